import { defineHandler } from "@jobrunner/handler";
import { greetings, type Language } from "./greetings";

interface Greeting {
  name: string;
  language?: Language;
}

export default defineHandler<Greeting, { greeting: string }>({
  name: "greet",
  description: "Greets somebody in their language",
  schema: {
    type: "object",
    title: "Greeting",
    required: ["name"],
    additionalProperties: false,
    properties: {
      name: { type: "string", title: "Name", description: "Who is greeted", minLength: 1, default: "Ada" },
      language: {
        type: "string",
        title: "Language",
        description: "The language of the greeting",
        enum: Object.keys(greetings),
        default: "en",
      },
    },
  },
  async run(job) {
    const { name, language = "en" } = job.data;
    await job.log(`greeting ${name} in ${language}`);
    return { greeting: greetings[language](name) };
  },
});

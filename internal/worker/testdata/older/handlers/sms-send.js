import { UnrecoverableError } from "bullmq";

class UnknownNumberError extends UnrecoverableError {
  constructor(number) {
    super(`nobody has the number ${number}`);
    this.name = "UnknownNumberError";
    this.number = number;
  }
}

export default {
  name: "sms-send",
  description: "Sends a text message",
  version: "1.1.0",
  author: "Integrations",

  async execute(job) {
    const { number, text } = job.data;
    if (number.startsWith("000")) throw new UnknownNumberError(number);
    if (number.startsWith("1")) {
      job.discard();
      throw new Error("the carrier has barred this number");
    }
    return { parts: Math.ceil(text.length / 160), queue: job.queueName };
  },
};

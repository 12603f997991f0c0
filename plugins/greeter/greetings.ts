/** How to greet, by language tag. */
export const greetings = {
  de: (name: string) => `Guten Tag, ${name}!`,
  en: (name: string) => `Hello, ${name}!`,
  es: (name: string) => `¡Hola, ${name}!`,
  fr: (name: string) => `Bonjour, ${name} !`,
} as const;

export type Language = keyof typeof greetings;

export const registerHandlers = async (registry) => {
  const slugify = await import("./handlers/slugify.js");
  const excerpt = await import("./handlers/excerpt.js");
  registry.registerHandler(slugify.default);
  registry.registerHandler(excerpt.default);
};

export default { registerHandlers };

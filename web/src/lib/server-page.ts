/** Whether a path is a page of the server's own, Bull Board's, which the router does not know. */
export function isServerPage(path: string | undefined): path is string {
  return path !== undefined && /^\/admin(\/|$)/.test(path);
}

/** A failure that the bridge reported. The code is BullMQ's, 0 if it has none. */
export class BridgeError extends Error {
  constructor(
    message: string,
    readonly code: number,
  ) {
    super(message);
    this.name = "BridgeError";
  }
}

/** What BullMQ's classes take for a connection that was closed on purpose. */
export function connectionClosed(): Error {
  return new Error("Connection is closed.");
}

export function lineTooLong(limit: number): Error {
  return new Error(`the bridge sent a line of more than ${limit} characters`);
}

/** What a command was about, for the text of its failure. */
export interface Command {
  name: string;
  jobId?: string;
  parentKey?: string;
  state?: string;
}

/** The texts that callers of BullMQ know, by result code. */
const texts: Record<number, (c: Command) => string> = {
  [-1]: (c) => `Missing key for job ${c.jobId}. ${c.name}`,
  [-2]: (c) => `Missing lock for job ${c.jobId}. ${c.name}`,
  [-3]: (c) => `Job ${c.jobId} is not in the ${c.state} state. ${c.name}`,
  [-4]: (c) => `Job ${c.jobId} has pending dependencies. ${c.name}`,
  [-5]: (c) => `Missing key for parent job ${c.parentKey}. ${c.name}`,
  [-6]: (c) => `Lock mismatch for job ${c.jobId}. Cmd ${c.name} from ${c.state}`,
  [-7]: (c) => `The parent job ${c.parentKey} cannot be replaced. ${c.name}`,
  [-8]: (c) => `Job ${c.jobId} belongs to a job scheduler and cannot be removed directly. ${c.name}`,
  [-9]: (c) => `Cannot complete job ${c.jobId} because it has at least one failed child. ${c.name}`,
  [-10]: (c) => `Cannot create job scheduler iteration - job ID already exists. ${c.name}`,
  [-11]: (c) =>
    `Cannot create job scheduler iteration - current and next time slots already have jobs. ${c.name}`,
};

/** Turns the bridge's report of a failed command into the error that BullMQ gives for it. */
export function commandError(error: unknown, command: Command): unknown {
  if (!(error instanceof BridgeError)) {
    return error;
  }
  const text = texts[error.code]?.(command);
  if (text === undefined) {
    return error;
  }
  const translated = new BridgeError(text, error.code);
  // Workers know by its name an error after which a job is not tried again.
  translated.name = error.code === -9 ? "UnrecoverableError" : "Error";
  return translated;
}

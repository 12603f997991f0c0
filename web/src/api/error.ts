import * as z from "@/lib/zod";

const problemSchema = z.object({
  title: z.optional(z.string()),
  detail: z.optional(z.string()),
  code: z.optional(z.string()),
  requestId: z.optional(z.string()),
  errors: z.optional(z.array(z.object({ location: z.string(), message: z.string() }))),
});

export interface FieldProblem {
  /** Where the fault is, such as `body.data.url`. */
  location: string;
  message: string;
}

/** A refusal by the server, or the lack of an answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    message: string,
    /** The HTTP status; 0 if no answer came. */
    readonly status: number,
    /** What went wrong, for programs. */
    readonly code: string,
    readonly requestId: string | undefined = undefined,
    readonly fields: readonly FieldProblem[] = [],
  ) {
    super(message);
  }

  static unreachable(cause: unknown): ApiError {
    const error = new ApiError(
      "The server can't be reached. Check that JobRunner is running.",
      0,
      "unreachable",
    );
    error.cause = cause;
    return error;
  }

  /** Reads a response that is not ok. Body is its text or its parsed JSON. */
  static of(response: Response, body: unknown): ApiError {
    const parsed = problemSchema.safeParse(body);
    const problem = parsed.success ? parsed.data : {};
    return new ApiError(
      problem.detail ??
        problem.title ??
        `The server answered ${response.status} ${response.statusText}`.trim(),
      response.status,
      problem.code ?? "unknown",
      problem.requestId ?? response.headers.get("X-Request-Id") ?? undefined,
      problem.errors,
    );
  }
}

/** The text to show for anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

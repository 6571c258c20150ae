import type { ServerResponse } from "node:http";

/** An error answer to a person or a program (RFC 9457): what was wrong, in which field. */
export interface Problem {
  readonly status: 400 | 403 | 404 | 405 | 422 | 500 | 503;
  readonly title: string;
  readonly field?: string;
  readonly value?: string;
}

export const PROBLEM_TYPE = "application/problem+json";

/** Enough to know a wrong value again; a request may bring kilobytes. */
const SHOWN_CHARACTERS = 200;

export function problemBody({ status, title, field, value: whole }: Problem): string {
  const value = whole !== undefined && whole.length > SHOWN_CHARACTERS
    ? `${whole.slice(0, SHOWN_CHARACTERS)}…`
    : whole;
  const detail = field === undefined
    ? title
    : `${title}: current value of ${field} is ${JSON.stringify(value ?? null)}`;
  return JSON.stringify({ type: "about:blank", status, title, detail, field, value });
}

export function problemResponse(
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(problemBody(problem), {
    status: problem.status,
    headers: { ...headers, "content-type": PROBLEM_TYPE },
  });
}

export function writeProblem(response: ServerResponse, problem: Problem): void {
  response.writeHead(problem.status, { "content-type": PROBLEM_TYPE });
  response.end(problemBody(problem));
}

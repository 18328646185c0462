import { Problem } from "../../http/problem.ts"

export function createRunNotFound(): Problem {
  return new Problem({ code: "run_not_found", status: 404 }, "The session has no such run.")
}

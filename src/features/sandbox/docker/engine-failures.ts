import { GatewayError } from "../../../core/errors.ts"
import { describeEngineError, isAnswer, isNotFound } from "./engine.ts"

export function startFailure(error: unknown, image: string): GatewayError {
  if (!isAnswer(error)) return createUnavailable("No Docker engine responds, so the code was not run.", error)
  return isNotFound(error)
    ? createUnavailable(
        `Docker has no image ${image}: run agent-gateway sandbox build, or set codeExecution.image.`,
        error,
      )
    : createUnavailable("Docker could not start a container.", error)
}

export function createEngineLostError(error: unknown): GatewayError {
  return createUnavailable(
    "The Docker engine stopped or was lost while the code ran. The code may have done part of its work, or all of it.",
    error,
  )
}

function createUnavailable(problem: string, error: unknown): GatewayError {
  return new GatewayError({ code: "sandbox_unavailable", status: 503, retryable: true }, problem, {
    detail: describeEngineError(error),
    cause: error,
  })
}

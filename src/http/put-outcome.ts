import type { PutRun } from "../core/ports/store/inbox.ts"
import type { AcceptOutcome, ClientToolRefusal } from "../kernel/sessions/accept-message.ts"
import { createSessionNotFound, createSessionRevoked, Problem } from "./problem.ts"

/** Returns the run that a message starts or joins. Throws a `Problem` if the message was not accepted. */
export function requireStartedRun(outcome: AcceptOutcome): PutRun {
  switch (outcome.status) {
    case "accepted":
    case "duplicate":
    case "steered":
      return outcome
    case "queueFull":
      throw new Problem(
        { code: "queue_full", status: 429 },
        "The session's queue is full. Try again when some of its runs have ended.",
      )
    case "busy":
      throw new Problem(
        { code: "run_active", status: 409 },
        "A run of this session is still open or queued.",
        {
          members: { run_id: outcome.runId },
        },
      )
    case "keyReused":
      throw new Problem(
        { code: "idempotency_key_reused", status: 422 },
        "The Idempotency-Key was used before with another body.",
      )
    case "full":
      throw createStorageFull(outcome.scope)
    case "revoked":
      throw createSessionRevoked()
    case "unknown":
      throw createSessionNotFound(401)
    case "modelNotAllowed":
      throw createModelNotAllowed(outcome.allowedModels)
    case "clientToolsNotAllowed":
      throw createClientToolsNotAllowed()
    case "clientToolRepeated":
      throw new Problem(
        { code: "client_tool_name_taken", status: 409 },
        `Two of the declared tools are named ${outcome.tool}. Give each a name of its own.`,
      )
    case "clientToolRefused":
      throw createClientToolRefused(outcome.refusal)
    default:
      return outcome satisfies never
  }
}

function createStorageFull(scope: "session" | "principal"): Problem {
  if (scope === "session") {
    return new Problem(
      { code: "session_too_large", status: 413 },
      "The session has reached its storage limit, so it accepts no further message. Start a new session.",
    )
  }
  return new Problem(
    { code: "principal_storage_exceeded", status: 413 },
    "The sessions of this user have reached their storage limit, so no further message is accepted. " +
      "Unused sessions are dropped over time. The operator can raise limits.principalBytes.",
  )
}

function createClientToolsNotAllowed(): Problem {
  return new Problem(
    { code: "client_tools_not_allowed", status: 403 },
    "Clients of this agent may not declare tools. The operator can set allowClientTools.",
  )
}

function createClientToolRefused(refusal: ClientToolRefusal): Problem {
  const { status, tool } = refusal
  switch (status) {
    case "notAllowed":
      return new Problem(
        { code: "client_tools_not_allowed", status: 403 },
        `The tool ${tool} is not allowed. The operator can set allowClientTools.`,
      )
    case "taken":
      return new Problem(
        { code: "client_tool_name_taken", status: 409 },
        `The agent has a tool named ${tool}. Declare yours under another name.`,
      )
    case "unusable":
      return new Problem(
        { code: "invalid_client_tool", status: 422 },
        `The input schema of the tool ${tool} cannot be used: ${refusal.reason}`,
      )
    default:
      return status satisfies never
  }
}

/** Maximum number of models that a problem names. */
const maxNamedModels = 20

/** The client has a session, and the operator chose these models for clients, so the problem may name them. */
function createModelNotAllowed(allowedModels: readonly string[]): Problem {
  const kind = { code: "model_not_allowed", status: 400 }
  if (allowedModels.length === 0)
    return new Problem(kind, "Clients of this agent may not choose a model. Leave out `model`.")
  const names = allowedModels.slice(0, maxNamedModels).join(", ")
  const left = allowedModels.length - maxNamedModels
  const more = left > 0 ? `, and ${left} more` : ""
  return new Problem(
    kind,
    "This agent does not allow the requested model. Leave out `model`, or set it to one of these: " +
      `${names}${more}.`,
  )
}

import type { Caller, Credential } from "./caller.ts"

/** A credential, where the key of a server that names a user differs from one that names none. */
export type Sender = Credential | "apiKeyForUser"

/** `401`: no credential at all. `403`: a wrong kind. `noUser`: 403, because the path belongs to a user. */
export type Verdict = "yes" | "401" | "403" | "noUser"

export interface AccessRow {
  /** The paths, for people. */
  readonly paths: string
  /** If true, the paths are refused while any API key is accepted, because users are then not known. */
  readonly needsUsers: boolean
  readonly verdicts: Readonly<Record<Sender, Verdict>>
}

/**
 * The credentials that each group of paths accepts. The checks of requests, the OpenAPI document, the table of
 * docs/security.md and the tests of access are made of it.
 */
export const access = {
  init: {
    paths: "`/chat/init`",
    needsUsers: false,
    verdicts: {
      ...{ sessionToken: "403", userToken: "403", apiKeyForUser: "yes", apiKey: "yes", authenticate: "yes" },
    },
  },
  initUser: {
    paths: '`/chat/init` with `scope: "user"`',
    needsUsers: true,
    verdicts: {
      ...{
        sessionToken: "403",
        userToken: "403",
        apiKeyForUser: "yes",
        apiKey: "noUser",
        authenticate: "yes",
      },
    },
  },
  session: {
    paths: "`/chat…` except the others, `session` routes of plugins, custom wires",
    needsUsers: false,
    verdicts: {
      ...{ sessionToken: "yes", userToken: "403", apiKeyForUser: "403", apiKey: "403", authenticate: "401" },
    },
  },
  revoke: {
    paths: "`/chat/revoke`: the session of a session token, otherwise the user's tokens",
    needsUsers: false,
    verdicts: {
      ...{
        sessionToken: "yes",
        userToken: "yes",
        apiKeyForUser: "yes",
        apiKey: "noUser",
        authenticate: "yes",
      },
    },
  },
  user: {
    paths: "`/sessions…`, `/memory`, `/schedules…`, `user` routes of plugins",
    needsUsers: true,
    verdicts: {
      ...{
        sessionToken: "yes",
        userToken: "yes",
        apiKeyForUser: "yes",
        apiKey: "noUser",
        authenticate: "yes",
      },
    },
  },
  wire: {
    paths: "`/ai-sdk…`, `/v1…`, `/ag-ui`",
    needsUsers: false,
    verdicts: {
      ...{ sessionToken: "yes", userToken: "yes", apiKeyForUser: "yes", apiKey: "yes", authenticate: "yes" },
    },
  },
} as const satisfies Readonly<Record<string, AccessRow>>

/** A group of paths for clients. */
export type ClientPaths = keyof typeof access

/** Returns the column of the table for a caller. */
export function toSender({ credential, principal }: Pick<Caller, "credential" | "principal">): Sender {
  return credential === "apiKey" && principal.userId !== "" ? "apiKeyForUser" : credential
}

/** The credentials, as messages and the OpenAPI document name them. */
export const credentials: Readonly<
  Record<Credential, { readonly name: string; readonly description: string }>
> = {
  sessionToken: { name: "a session token", description: "The `session_token` of POST /chat/init." },
  userToken: {
    name: "a user token",
    description: 'The `user_token` of POST /chat/init with `scope: "user"`.',
  },
  apiKey: {
    name: "an API key",
    description:
      "One of `validApiKeys`. The holder is a server, and may name the user in the header `x-user-id`, or " +
      "`userHeader`.",
  },
  authenticate: {
    name: "credentials of the application",
    description:
      "With the option `authenticate`: whatever the application accepts, in this or another header or in a cookie.",
  },
}

/** Returns the credentials that the paths accept, for the description of an operation. */
export function describeSecurity(paths: ClientPaths): Record<string, string[]>[] {
  return listAccepted(access[paths].verdicts).map((credential) => ({ [credential]: [] }))
}

export function listAccepted(verdicts: AccessRow["verdicts"]): readonly Credential[] {
  const kinds = Object.keys(credentials) as readonly Credential[]
  return kinds.filter((kind) => verdicts[kind === "apiKey" ? "apiKeyForUser" : kind] === "yes")
}

import { fileURLToPath } from "node:url"
import type { ConsoleAccess } from "../../console/access.ts"
import { consolePath, createConsolePages } from "../../console/console.ts"
import { createOperatorCookie } from "../../console/operator-cookie.ts"
import { ConfigurationError } from "../../core/errors.ts"
import type { Clock } from "../../core/time/clock.ts"
import type { AddPages } from "../../http/app.ts"
import { minKeyLength } from "../../http/auth/api-keys.ts"
import type { RememberedRevocations } from "../../http/auth/remember-revocations.ts"
import type { Operators } from "../../http/operate/operators.ts"
import type { HttpOptions } from "../../http/options.ts"
import type { PrepareOptions } from "../gateway.ts"
import type { ConsoleOption } from "../options/console-options.ts"

export interface ConsoleParts {
  readonly server: ConsoleOption & Pick<HttpOptions, "publicUrl">
  readonly revocations: RememberedRevocations
  readonly mode: PrepareOptions["mode"]
  /** Overrides the option of the same name. */
  readonly isAsked: boolean | undefined
  readonly operators: Operators
  readonly clock: Clock
}

/** The console's pages, and who may use them. */
export interface OpenConsole {
  readonly addPages: AddPages
  readonly access: ConsoleAccess["type"]
}

/** Opens the console. Returns null if the console is off, which is the default except for `dev`. */
export function openConsole(parts: ConsoleParts): OpenConsole | null {
  const { server, mode, isAsked } = parts
  if (!(isAsked ?? server.console ?? mode === "dev")) return null
  const access = chooseAccess(parts)
  const { publicUrl } = server
  // The path is the same from the source and from the package, whose folders have the same depth.
  const folder = fileURLToPath(new URL("../../../dist/console-page/", import.meta.url))
  const addPages = createConsolePages({ access, folder, publicUrl })
  return { addPages, access: access.type }
}

function chooseAccess({ operators, revocations, mode, clock }: ConsoleParts): ConsoleAccess {
  // The console on a developer's own machine needs no key, even if its servers do.
  if (mode === "dev") return { type: "loopback" }
  if (operators.keys.length === 0) {
    throw new ConfigurationError(
      `console: needs an operator key of at least ${minKeyLength} characters, for example from ` +
        "`openssl rand -hex 24`. Set AGENT_GATEWAY_OPERATOR_KEY or operatorKeys.",
    )
  }
  const cookie = createOperatorCookie({ operators, revocations, clock, path: consolePath })
  return { type: "operator", operators, cookie }
}

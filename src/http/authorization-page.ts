import { html } from "hono/html"
import type { Principal } from "../core/ports/store/session-log.ts"
import { escapeControls } from "../core/text/escape-controls.ts"

/**
 * The page has no script, no other site can frame it, and its form leads only to the gateway. The address contains a
 * code, so it is not sent as a referrer. With `no-referrer`, browsers would send `Origin: null` with the form.
 */
export const pageHeaders = {
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "strict-origin",
} as const

const style =
  "body { font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 10vh auto; padding: 0 1rem } " +
  "button { font: inherit; padding: .5rem 1rem }"

/**
 * Returns the page on which a person confirms that the gateway may use an account at a server. A null principal
 * stands for all users.
 */
export function formatAuthorizationPage(server: string, principal: Principal | null) {
  const user = principal === null ? "all of its users" : escapeControls(principal.userId)
  const condition =
    principal === null
      ? "Continue only if you operate this gateway."
      : "Continue only if you are this user, and requested this yourself. If another person sent you a link, close " +
        "this page."
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Authorize ${server}</title>
<style>${style}</style>
</head>
<body>
<h1>Let the agent use your account?</h1>
<p>You have signed in at the MCP server <strong>${server}</strong>.
If you continue, the agent uses your account there for
${principal === null ? "" : "the user"} <strong>${user}</strong>.</p>
<p>${condition}</p>
<form method="post"><button>Continue</button></form>
</body>
</html>
`
}

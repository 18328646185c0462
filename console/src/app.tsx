import { useEffect, useState } from "preact/hooks"
import { type Access, call, type Info } from "./api.ts"
import { CurrentRights } from "./operator-scopes.ts"
import { Shell } from "./shell.tsx"
import { SignIn } from "./sign-in.tsx"
import { Notice } from "./ui/notice.tsx"

type State =
  | { readonly type: "loading" }
  | { readonly type: "failed"; readonly error: Error }
  | { readonly type: "signedOut" }
  | { readonly type: "open"; readonly info: Info; readonly access: Access & { readonly type: "open" } }

/** Requests the access mode, and then shows the sign-in form or the console. */
export function App() {
  const [state, setState] = useState<State>({ type: "loading" })

  const load = () => {
    open().then(setState, (error: Error) => setState({ type: "failed", error }))
  }
  useEffect(load, [])

  switch (state.type) {
    case "loading":
      return <main class="splash">Loading the console…</main>
    case "failed":
      return (
        <main class="splash">
          <Notice tone="danger" title="The console could not be opened">
            <p>{state.error.message}</p>
            <button type="button" onClick={load}>
              Try again
            </button>
          </Notice>
        </main>
      )
    case "signedOut":
      return <SignIn onSignedIn={load} />
    case "open":
      return (
        <CurrentRights value={state.access}>
          <Shell info={state.info} canSignOut={state.access.can_sign_out} onSignedOut={load} />
        </CurrentRights>
      )
  }
}

async function open(): Promise<State> {
  const access = await call<Access>("GET", "access")
  if (access.type === "key") return { type: "signedOut" }
  const info = await call<Info>("GET", "info")
  return { type: "open", info, access }
}

import { useState } from "preact/hooks"
import { call } from "./api.ts"

/** Asks for the operator key. */
export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [problem, setProblem] = useState<string | null>(null)
  const [isSending, setIsSending] = useState(false)

  const signIn = async (event: SubmitEvent) => {
    event.preventDefault()
    const key = new FormData(event.currentTarget as HTMLFormElement).get("key")
    setIsSending(true)
    try {
      await call("POST", "sign-in", { body: { key } })
      onSignedIn()
    } catch (error) {
      setProblem((error as Error).message)
      setIsSending(false)
    }
  }

  return (
    <main class="splash">
      <form class="sign-in" onSubmit={signIn}>
        <h1>Agent console</h1>
        <label>
          Operator key
          <input name="key" type="password" required autoComplete="current-password" />
        </label>
        {problem !== null && (
          <p class="field-error" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="primary" disabled={isSending}>
          {isSending ? "Signing in…" : "Sign in"}
        </button>
        <p class="hint">The operator sets the key as AGENT_GATEWAY_OPERATOR_KEY.</p>
      </form>
    </main>
  )
}

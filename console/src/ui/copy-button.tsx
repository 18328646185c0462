import { useState } from "preact/hooks"
import { Icon } from "./icons.tsx"

const shownMs = 1_600

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [outcome, setOutcome] = useState<"copied" | "failed" | null>(null)
  const show = (shown: "copied" | "failed") => {
    setOutcome(shown)
    setTimeout(() => setOutcome(null), shownMs)
  }
  // Browsers offer a clipboard only to pages over HTTPS or from this machine.
  const copy = async () => navigator.clipboard.writeText(text)

  return (
    <button
      type="button"
      class="copy"
      aria-label={label}
      onClick={() => {
        copy().then(
          () => show("copied"),
          () => show("failed"),
        )
      }}
    >
      <Icon name={outcome === "copied" ? "check" : "copy"} />
      <span aria-live="polite">
        {outcome === "copied" ? "Copied" : outcome === "failed" ? "Select and copy by hand" : "Copy"}
      </span>
    </button>
  )
}

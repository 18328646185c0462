import { CopyButton } from "./copy-button.tsx"
import { toVisibleJson } from "./visible-text.ts"

/** Maximum characters to show. Longer text is truncated, because a page with megabytes of text stops responding. */
const maxShown = 50_000

/** A JSON value as text. A string is shown without quotes. */
export function JsonView({ label, value }: { readonly label?: string; readonly value: unknown }) {
  const text = typeof value === "string" ? value : toVisibleJson(value)
  const isCut = text.length > maxShown
  return (
    <div class="labelled">
      {label !== undefined && (
        <p class="label">
          {label}
          <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} />
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: Long values are scrolled with the keyboard. */}
      <pre class="json" tabIndex={0}>
        {isCut ? text.slice(0, maxShown) : text}
      </pre>
      {isCut && (
        <p class="hint">
          Shows {maxShown.toLocaleString("en")} of {text.length.toLocaleString("en")} characters.
        </p>
      )}
    </div>
  )
}

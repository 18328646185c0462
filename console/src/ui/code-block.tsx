import { CopyButton } from "./copy-button.tsx"

/** Code with its language and a button that copies it. */
export function CodeBlock({ code, language }: { readonly code: string; readonly language: string }) {
  const name = language.split(/\s/)[0] ?? ""
  return (
    <div class="code-block">
      <div class="code-head">
        <span>{name === "" ? "text" : name}</span>
        <CopyButton text={code} label="Copy code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: Wide code is scrolled with the keyboard. */}
      <pre tabIndex={0}>
        <code>{code}</code>
      </pre>
    </div>
  )
}

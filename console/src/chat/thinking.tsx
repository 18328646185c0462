/** The model's thinking, which can be unfolded. */
export function Thinking({ text, isLive }: { readonly text: string; readonly isLive: boolean }) {
  return (
    <details class="thinking">
      <summary>{isLive ? "Thinking…" : "Thought"}</summary>
      <p>{text}</p>
    </details>
  )
}

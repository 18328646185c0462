import type { ComponentChildren } from "preact"
import { ageText } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"

export function PageHead({
  title,
  children,
}: {
  readonly title: ComponentChildren
  readonly children?: ComponentChildren
}) {
  return (
    <header class="page-head">
      <h1>{title}</h1>
      {children}
    </header>
  )
}

/** Says that a view is being loaded, or why it cannot be. */
export function Pending({ problem }: { readonly problem: string | null }) {
  if (problem === null) return <p class="hint">Loading…</p>
  return (
    <Notice tone="danger" title="The view could not be loaded">
      <p>{problem}</p>
    </Notice>
  )
}

export function StateBadge({ state }: { readonly state: string }) {
  return <span class={`badge ${state}`}>{state}</span>
}

export function Age({ at }: { readonly at: number }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      title={new Date(at).toLocaleString()}
    >{`${ageText(Date.now() - at)} ago`}</time>
  )
}

export interface FilterProps {
  readonly label: string
  readonly value: string
  readonly options: readonly string[]
  readonly onChange: (value: string) => void
}

/** A filter of a list. The first choice is no filter. */
export function Filter({ label, value, options, onChange }: FilterProps) {
  return (
    <label class="inline">
      {label}
      <select value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">all</option>
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </label>
  )
}

export function More({ onClick }: { readonly onClick: (() => void) | null }) {
  if (onClick === null) return null
  return (
    <button type="button" onClick={onClick}>
      Show more
    </button>
  )
}

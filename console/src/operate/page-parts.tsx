import type { ComponentChildren } from "preact"
import { useState } from "preact/hooks"
import { formatAgo, formatTimeLeft } from "../ui/format.ts"
import { Notice } from "../ui/notice.tsx"
import type { MorePages } from "./use-loaded.ts"

export interface PageHeadProps {
  readonly title: ComponentChildren
  /** The list that contains the object. */
  readonly parent?: { readonly label: string; readonly href: string }
  readonly children?: ComponentChildren
}

export function PageHead({ title, parent, children }: PageHeadProps) {
  return (
    <header class="page-head">
      {parent !== undefined && (
        <a class="page-parent" href={parent.href}>
          {parent.label}
        </a>
      )}
      <h1>{title}</h1>
      {children}
    </header>
  )
}

/** Reports that a view is loading, or why it could not be loaded. */
export function Pending({ problem }: { readonly problem: string | null }) {
  if (problem === null) return <p class="hint">Loading…</p>
  return (
    <Notice tone="danger" title="The view could not be loaded">
      <p>{problem}</p>
    </Notice>
  )
}

/** Marks a cell without a value, so that it does not look like a missing one. */
export function NoValue() {
  return <span class="hint">–</span>
}

export function StateBadge({ state }: { readonly state: string }) {
  return <span class={`badge ${state}`}>{state}</span>
}

export function Age({ at }: { readonly at: number }) {
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {formatAgo(Date.now() - at)}
    </time>
  )
}

/** The time until a moment in the future. A moment that has just passed is shown as now. */
export function Until({ at }: { readonly at: number }) {
  const left = at - Date.now()
  return (
    <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
      {left <= 0 ? "now" : `in ${formatTimeLeft(left)}`}
    </time>
  )
}

export function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

export interface AskTwiceProps {
  readonly label: string
  /** Label after the first press. */
  readonly question: string
  /** Name of the affected object, for screen readers. */
  readonly name: string
  readonly onConfirm: () => void
}

/**
 * A button for an action that cannot be undone. The first press asks for a confirmation, and the second press
 * confirms.
 */
export function AskTwice({ label, question, name, onConfirm }: AskTwiceProps) {
  const [isAsking, setAsking] = useState(false)
  const text = isAsking ? question : label
  return (
    <button
      type="button"
      class="danger"
      aria-label={`${text} ${name}`}
      onBlur={() => setAsking(false)}
      onClick={() => (isAsking ? onConfirm() : setAsking(true))}
    >
      {text}
    </button>
  )
}

export interface FilterProps {
  readonly label: string
  readonly value: string
  readonly options: readonly string[]
  readonly onChange: (value: string) => void
}

/** A filter of a list. The first choice removes the filter. */
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

export function More({ more }: { readonly more: MorePages | null }) {
  if (more === null) return null
  return (
    <button type="button" aria-disabled={more.isLoading} onClick={() => !more.isLoading && more.load()}>
      {more.isLoading ? "Loading…" : "Show more"}
    </button>
  )
}

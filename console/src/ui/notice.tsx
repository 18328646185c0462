import type { ComponentChildren } from "preact"

export interface NoticeProps {
  readonly tone?: "info" | "danger" | "warning"
  readonly title: string
  readonly children?: ComponentChildren
}

/** A message on the page, for example about an empty list, a failure, or a next step. */
export function Notice({ tone = "info", title, children }: NoticeProps) {
  return (
    <div class={`notice ${tone}`} role={tone === "danger" ? "alert" : undefined}>
      <p class="notice-title">{title}</p>
      {children}
    </div>
  )
}

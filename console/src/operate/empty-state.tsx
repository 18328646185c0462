import type { ComponentChildren } from "preact"
import { Icon, type IconName } from "../ui/icons.tsx"

export interface EmptyStateProps {
  readonly icon: IconName
  readonly title: string
  /** Explains what will appear here. */
  readonly children: ComponentChildren
}

/** Replaces a list without rows. */
export function EmptyState({ icon, title, children }: EmptyStateProps) {
  return (
    <div class="empty-state">
      <span class="empty-icon">
        <Icon name={icon} />
      </span>
      <p class="notice-title">{title}</p>
      <p class="hint">{children}</p>
    </div>
  )
}

import type { Info } from "./api.ts"
import { ConversationList } from "./chat/conversation-list.tsx"
import type { Conversations } from "./chat/conversations.ts"
import icon from "./icon.svg"
import type { Route } from "./router.ts"
import { Icon, type IconName } from "./ui/icons.tsx"

export interface SidebarProps {
  readonly info: Info
  readonly route: Route
  readonly conversations: Conversations
  /** Number of open approvals and questions of all sessions. */
  readonly pendingWaits: number
  readonly onClose: () => void
  /** Null if the console is used without a key. */
  readonly onSignOut: (() => void) | null
}

const views: readonly { readonly view: string; readonly label: string; readonly icon: IconName }[] = [
  { view: "sessions", label: "Sessions", icon: "list" },
  { view: "approvals", label: "Approvals", icon: "inbox" },
  { view: "schedules", label: "Schedules", icon: "clock" },
  { view: "memory", label: "Memory", icon: "bookmark" },
  { view: "mcp", label: "MCP servers", icon: "server" },
  { view: "sandbox", label: "Sandbox", icon: "box" },
  { view: "outbox", label: "Deliveries", icon: "deliver" },
  { view: "status", label: "Status", icon: "plug" },
  { view: "configuration", label: "Configuration", icon: "settings" },
]

export function Sidebar({ info, route, conversations, pendingWaits, onClose, onSignOut }: SidebarProps) {
  const [current] = route.path
  return (
    <aside
      id="sidebar"
      class="sidebar"
      aria-label="Navigation"
      onKeyDown={(event) => {
        if (event.key === "Escape") onClose()
      }}
    >
      <a class="brand" href="#/">
        <img class="brand-mark" src={icon} alt="" />
        <span>Agent console</span>
      </a>
      <a class="button new" href="#/" aria-current={current === undefined ? "page" : undefined}>
        <Icon name="plus" />
        New conversation
      </a>
      <ConversationList
        info={info}
        conversations={conversations}
        currentId={current === "chat" ? route.path[1] : undefined}
      />
      <nav class="views" aria-label="Operate">
        {views.map(({ view, label, icon }) => (
          <a key={view} href={`#/${view}`} aria-current={current === view ? "page" : undefined}>
            <Icon name={icon} />
            {label}
            {view === "approvals" && pendingWaits > 0 && (
              <span class="count">
                {pendingWaits}
                <span class="visually-hidden"> open</span>
              </span>
            )}
          </a>
        ))}
      </nav>
      <p class="version">
        ai-agent-gateway {info.version}
        {info.mode === "dev" && <span class="tag">dev</span>}
        {onSignOut !== null && (
          <button type="button" class="link" onClick={onSignOut}>
            Sign out
          </button>
        )}
      </p>
    </aside>
  )
}

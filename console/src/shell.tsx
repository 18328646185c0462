import { useEffect, useRef, useState } from "preact/hooks"
import { call, type Info } from "./api.ts"
import { ChatView } from "./chat/chat-view.tsx"
import { type Conversations, useConversations } from "./chat/conversations.ts"
import { NewConversation } from "./chat/new-conversation.tsx"
import { useKeptFocus } from "./kept-focus.ts"
import { usePendingWaits } from "./pending-waits.ts"
import { type Route, useRoute } from "./router.ts"
import { Sidebar } from "./sidebar.tsx"
import { Icon } from "./ui/icons.tsx"
import { Notice } from "./ui/notice.tsx"
import { usePolled } from "./use-polled.ts"

export interface ShellProps {
  readonly info: Info
  readonly canSignOut: boolean
  readonly onSignedOut: () => void
}

/** The frame around every view: the sidebar, which is a drawer on phones, and the current view. */
export function Shell({ info, canSignOut, onSignedOut }: ShellProps) {
  const route = useRoute()
  const conversations = useConversations()
  const [isOpen, setOpen] = useState(false)
  const main = useRef<HTMLElement>(null)
  const menu = useRef<HTMLButtonElement>(null)
  const address = route.path.join("/")
  const pending = usePendingWaits()
  const opened = conversations.items?.find(({ id }) => id === route.path[1])
  const topbarTitle = route.path[0] === "chat" ? (opened?.title ?? formatTitle(route)) : formatTitle(route)
  const isFirst = useRef(true)
  useKeptFocus(main)

  useEffect(() => {
    setOpen(false)
    // After a change of the view, the keyboard focus moves into the view. On the first load, the browser decides.
    const isTyping = document.activeElement?.matches("input, textarea") === true
    if (!isFirst.current && !isTyping) main.current?.focus()
    isFirst.current = false
  }, [address])
  useEffect(() => {
    document.title = `${formatTitle(route)} · ${info.agents[0]?.name ?? "agent"} · Agent console`
  }, [address])

  const close = () => {
    setOpen(false)
    menu.current?.focus()
  }
  const signOut = async () => {
    await call("POST", "sign-out", { body: {} })
    onSignedOut()
  }

  return (
    <div class={isOpen ? "shell open" : "shell"}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="topbar">
        <button
          ref={menu}
          type="button"
          class="icon-button"
          aria-label="Menu"
          aria-expanded={isOpen}
          aria-controls="sidebar"
          onClick={() => setOpen(!isOpen)}
        >
          <Icon name="menu" />
        </button>
        <span class="topbar-title">{topbarTitle}</span>
        <a class="icon-button" href="#/" aria-label="New conversation">
          <Icon name="plus" />
        </a>
      </header>
      <Sidebar
        info={info}
        route={route}
        conversations={conversations}
        pendingWaits={pending}
        onClose={close}
        onSignOut={canSignOut ? signOut : null}
      />
      {isOpen && <button type="button" class="scrim" aria-label="Close the menu" onClick={close} />}
      <main id="main" ref={main} tabIndex={-1}>
        <View info={info} route={route} conversations={conversations} />
      </main>
    </div>
  )
}

interface ViewProps {
  readonly info: Info
  readonly route: Route
  readonly conversations: Conversations
}

function View({ info, route, conversations }: ViewProps) {
  const [view, id] = route.path
  if (view === undefined) return <NewConversation info={info} />
  if (view === "chat" && id !== undefined)
    return <ChatView key={id} info={info} conversations={conversations} sessionId={id} />
  return <OperateView route={route} info={info} />
}

/** Loads the views for operators when the first of them is opened, and then shows the view of the address. */
function OperateView(props: { readonly route: Route; readonly info: Info }) {
  const { data, failure } = usePolled("operate", () => import("./operate/operate.tsx"), false)
  if (data !== null) return <data.Operate {...props} />
  if (failure === null) return <p class="splash">Loading the view…</p>
  return (
    <div class="splash">
      <Notice tone="danger" title="The view could not be loaded">
        <p>The gateway did not send the code of the view. The page tries again by itself.</p>
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </Notice>
    </div>
  )
}

const titles: Readonly<Record<string, string>> = {
  chat: "Conversation",
  sessions: "Sessions",
  runs: "Runs",
  approvals: "Approvals",
  schedules: "Schedules",
  sandbox: "Sandbox",
  memory: "Memory",
  mcp: "MCP servers",
  outbox: "Deliveries",
  status: "Status",
  configuration: "Configuration",
}

function formatTitle({ path: [view] }: Route): string {
  return view === undefined ? "New conversation" : (titles[view] ?? "Not found")
}

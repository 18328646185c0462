/** Line icons of 16 units. They are decorative, because a label or the text next to them names the object. */
const paths = {
  plus: "M8 3v10M3 8h10",
  send: "M8 13V3M3.5 7.5 8 3l4.5 4.5",
  stop: "M4.5 4.5h7v7h-7z",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  close: "M4 4l8 8M12 4l-8 8",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M3 8.5 6.5 12 13 4.5",
  chevron: "M6 4l4 4-4 4",
  tool: "M9.5 6.5 3 13M9 3.5a3.2 3.2 0 0 0 3.5 3.5L14 5.5A3.5 3.5 0 0 1 9.4 9.6M9 3.5 10.5 2",
  agent: "M3 6.5h10v6.5H3zM8 6.5V3M6 9.5h.01M10 9.5h.01M1.5 9v2M14.5 9v2",
  image: "M2.5 3.5h11v9h-11zM2.5 10.5l3-3 3 3 2-2 3 3",
  chat: "M2.5 3.5h11v8h-6L4 13.5v-2H2.5z",
  list: "M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01",
  inbox: "M2.5 9.5 4.5 3h7l2 6.5v3.5h-11zM2.5 9.5H6l.8 1.5h2.4l.8-1.5h3.5",
  deliver: "M2 8l11.5-5-4 11-2.5-4.5zM7 9.5l6.5-6.5",
  plug: "M6 2.5v3M10 2.5v3M4.5 5.5h7v2.5a3.5 3.5 0 0 1-7 0zM8 11.5v2.5",
  clock: "M8 2.5a5.5 5.5 0 1 1-.01 0M8 5v3.2l2.2 1.3",
  bookmark: "M4.5 2.5h7v11L8 10.8l-3.5 2.7z",
  server: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01",
  settings: "M3 4.5h6M12 4.5h1M3 11.5h1M7 11.5h6M9 3v3M5.5 10v3",
  down: "M8 3v10M3.5 8.5 8 13l4.5-4.5",
  alert: "M8 2.5 14.2 13H1.8zM8 6.5v3M8 11.3h.01",
  hand: "M8 2.5a5.5 5.5 0 1 1-.01 0M6.6 6v4M9.4 6v4",
  box: "M8 2 13.5 5v6L8 14 2.5 11V5zM2.5 5 8 8l5.5-3M8 8v6",
  fold: "M2.5 8h2M7 8h2M11.5 8h2M8 2v3M6.5 3.8 8 5.3l1.5-1.5M8 14v-3M6.5 12.2 8 10.7l1.5 1.5",
  retry: "M13 8a5 5 0 1 1-1.5-3.5M13 2.5v3h-3",
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}

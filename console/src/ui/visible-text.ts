import { options, type VNode } from "preact"
import { escapeControls } from "../../../src/core/text/escape-controls.ts"

/** Attributes that a browser shows or a screen reader reads. */
const textAttributes = ["alt", "aria-label", "data-title", "placeholder", "title"]

/**
 * Makes the page show every control character, every mark that reverses the direction of text and every character
 * without a width as an escape such as `\u202e`. They come from models, tools and users, and could make an approval
 * look like another one. Applies to all text that the page renders, so a view cannot forget it. Call it before the
 * first render.
 */
export function escapeRenderedText(): void {
  const former = options.vnode
  options.vnode = (vnode) => {
    former?.(vnode)
    escapeVNode(vnode as { type: VNode["type"] | null; props: unknown })
  }
}

/** Returns the text as the page shows it. Use it for the initial values of form fields, which are not rendered text. */
export function toVisibleText(text: string): string {
  // A line may end like this on any system, and the browser shows the same line break for it.
  return escapeControls(text.replaceAll("\r\n", "\n"))
}

/** Returns JSON text of the same value in which every character is visible. */
export function toVisibleJson(value: unknown): string {
  return escapeControls(JSON.stringify(value, null, 2) ?? "null")
}

function escapeVNode(vnode: { type: VNode["type"] | null; props: unknown }): void {
  // The props of a text node are its text.
  if (typeof vnode.props === "string") vnode.props = toVisibleText(vnode.props)
  if (typeof vnode.type !== "string") return
  const props = vnode.props as Record<string, unknown>
  for (const name of textAttributes) {
    const value = props[name]
    if (typeof value === "string") props[name] = toVisibleText(value)
  }
}

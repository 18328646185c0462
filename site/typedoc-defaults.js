import { CommentTag, Converter } from "typedoc"
import { MarkdownPageEvent } from "typedoc-plugin-markdown"

/** The last sentence of a text that states a default: what precedes it, and the default. */
const sentence = /^(.*(?:^|[.)]\s+|[.)]$))Default(?::|\s)\s*(.*)$/s

/**
 * Moves the default at the end of a comment ("Default 600.") into the tag of defaults, so that tables of options have a
 * column of defaults.
 *
 * @param {import("typedoc-plugin-markdown").MarkdownApplication} app
 */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const { comment } of Object.values(project.reflections)) {
      if (comment !== undefined) moveDefault(comment)
    }
  })
  app.renderer.on(MarkdownPageEvent.END, (page) => {
    page.contents = page.contents.replaceAll(" | `undefined` | ", " | | ")
  })
}

/** @param {import("typedoc").Comment} comment */
function moveDefault(comment) {
  const index = comment.summary.findLastIndex(({ kind, text }) => kind === "text" && sentence.test(text))
  const part = comment.summary[index]
  const [match, before = "", after = ""] = sentence.exec(part?.text ?? "") ?? []
  if (match === undefined) return
  const rest = comment.summary.splice(index)
  if (before.trim() !== "") comment.summary.push({ kind: "text", text: before.trimEnd() })
  const content = [{ kind: "text", text: after }, ...rest.slice(1)]
  comment.blockTags.push(new CommentTag("@defaultValue", withoutFullStop(content)))
}

/** @param {import("typedoc").CommentDisplayPart[]} content */
function withoutFullStop(content) {
  const whole = content.map(({ text }) => text).join("")
  if (!/^[^.]*\.$/.test(whole)) return content
  return content.map((part) => ({ ...part, text: part.text.replace(/\.$/, "") }))
}

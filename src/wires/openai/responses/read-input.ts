import type { ContentPart, ImagePart, Message } from "../../../core/history/messages.ts"
import type { GivenImage } from "../../../http/content/read-images.ts"
import { joinText, toParts } from "../content.ts"
import { ClientHistory } from "../history.ts"
import { readResult } from "../results.ts"
import type { KnownItem, References } from "./references.ts"
import type { InputItem, ResponseRequest } from "./schemas.ts"

/** The input of a request by its meaning. */
export interface ReadInput {
  /** Texts of the system's and the developer's messages. */
  readonly instructions: readonly string[]
  /** The conversation as the client has it. */
  readonly messages: readonly Message[]
  /** The user's messages as one message. With references, those that follow the last one. */
  readonly content: readonly ContentPart[]
  /** If true, the input has more than messages of the user. */
  readonly hasHistory: boolean
  readonly results: readonly Extract<InputItem, { type: "function_call_output" }>[]
  readonly approvals: readonly Extract<InputItem, { type: "mcp_approval_response" }>[]
}

export function listItems(input: ResponseRequest["input"]): readonly InputItem[] {
  if (input === undefined) return []
  return typeof input === "string" ? [{ type: "message", role: "user", content: input }] : input
}

/** Returns the images of an input, which are read before the input. */
export function listInputImages(items: readonly InputItem[]): readonly GivenImage[] {
  return items.flatMap((item, index) => {
    if (item.type !== "message" || typeof item.content === "string") return []
    return item.content.flatMap((part, place) =>
      part.type === "input_image"
        ? [{ url: part.image_url, path: `input.${index}.content.${place}.image_url` }]
        : [],
    )
  })
}

/** `images` are those of `listInputImages`, in the same order. */
export function readInput(
  items: readonly InputItem[],
  { images, references }: { readonly images: readonly ImagePart[]; readonly references: References },
): ReadInput {
  const left = [...images]
  const history = new ClientHistory()
  const instructions: string[] = []
  const content: ContentPart[] = []
  const named = new Map(references.items)
  for (const item of items) {
    switch (item.type) {
      case "message":
        if (item.role === "user") {
          const parts = toParts(item.content, left)
          content.push(...parts)
          history.addUser(parts)
        } else if (item.role === "assistant") history.addText(joinText(item.content))
        else instructions.push(joinText(item.content))
        break
      case "function_call":
        history.addCall(item.call_id, item.name, item.arguments)
        break
      case "function_call_output":
        history.addResult(item.call_id, readResult(joinText(item.output)))
        break
      case "mcp_call":
        addCallWithResult(history, item)
        break
      case "item_reference": {
        content.length = 0
        const known = named.get(item.id)
        if (known !== undefined) addKnown(history, known)
        // Some clients name a call twice, the second time for its result.
        named.delete(item.id)
        break
      }
      case "reasoning":
      case "mcp_list_tools":
      case "mcp_approval_request":
      case "mcp_approval_response":
        break
      default:
        item satisfies never
    }
  }
  return {
    instructions: instructions.filter((text) => text !== ""),
    messages: history.finish(),
    content,
    hasHistory: items.some((item) => item.type !== "message" || item.role === "assistant"),
    results: items.filter((item) => item.type === "function_call_output"),
    approvals: items.filter((item) => item.type === "mcp_approval_response"),
  }
}

function addKnown(history: ClientHistory, item: KnownItem): void {
  switch (item.type) {
    case "user":
      history.addUser(item.content)
      break
    case "message":
      history.addText(item.content.map(({ text }) => text).join(""))
      break
    case "function_call":
      history.addCall(item.call_id, item.name, item.arguments)
      break
    case "mcp_call":
      addCallWithResult(history, item)
      break
    case "reasoning":
    case "mcp_approval_request":
      break
    default:
      item satisfies never
  }
}

function addCallWithResult(
  history: ClientHistory,
  call: {
    readonly id: string
    readonly name: string
    readonly arguments: string
    readonly output?: string | null | undefined
  },
): void {
  history.addCall(call.id, call.name, call.arguments)
  history.addResult(call.id, readResult(call.output ?? "The call failed."))
}

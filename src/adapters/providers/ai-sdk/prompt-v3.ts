import type {
  LanguageModelV3FilePart,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultOutput,
  LanguageModelV4FilePart,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
  SharedV4FileData,
} from "@ai-sdk/provider"

type V3Output = Extract<LanguageModelV3ToolResultOutput, { type: "content" }>["value"][number]
type V4Output = Extract<LanguageModelV4ToolResultOutput, { type: "content" }>["value"][number]

/**
 * Converts a prompt for a model of version 6 of the AI SDK, which has another form for files and lacks newer parts.
 */
export function toPromptV3(prompt: LanguageModelV4Prompt): LanguageModelV3Prompt {
  return prompt.map((message) => {
    switch (message.role) {
      case "system":
        return message
      case "user":
        return {
          ...message,
          content: message.content.map((part) => (part.type === "file" ? toFile(part) : part)),
        }
      case "assistant":
        return { ...message, content: message.content.flatMap(toAssistantPart) }
      case "tool":
        return { ...message, content: message.content.map(toToolPart) }
      default:
        return message satisfies never
    }
  })
}

type V3Content<Role> = Extract<LanguageModelV3Prompt[number], { role: Role }>["content"]
type V4Content<Role> = Extract<LanguageModelV4Prompt[number], { role: Role }>["content"]

function toAssistantPart(part: V4Content<"assistant">[number]): V3Content<"assistant"> {
  switch (part.type) {
    case "file":
      return [toFile(part)]
    case "tool-result":
      return [{ ...part, output: toOutput(part.output) }]
    case "custom":
    case "reasoning-file":
      return []
    default:
      return [part]
  }
}

function toToolPart(part: V4Content<"tool">[number]): V3Content<"tool">[number] {
  return part.type === "tool-result" ? { ...part, output: toOutput(part.output) } : part
}

function toOutput(value: LanguageModelV4ToolResultOutput): LanguageModelV3ToolResultOutput {
  return value.type === "content" ? { ...value, value: value.value.map(toOutputPart) } : value
}

function toOutputPart(part: V4Output): V3Output {
  if (part.type !== "file") return part
  const { mediaType } = part
  const data = toData(part.data)
  return data instanceof URL ? { type: "image-url", url: data.href } : { type: "image-data", data, mediaType }
}

function toFile(part: LanguageModelV4FilePart): LanguageModelV3FilePart {
  return { ...part, data: toData(part.data) }
}

function toData(data: SharedV4FileData): string | URL {
  switch (data.type) {
    case "url":
      return data.url
    case "data":
      return typeof data.data === "string" ? data.data : Buffer.from(data.data).toString("base64")
    default:
      throw new Error(`Version 6 of the AI SDK has no files by ${data.type}.`)
  }
}

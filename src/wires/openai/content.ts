import type { ContentPart, ImagePart } from "../../core/history/messages.ts"

/** The content of a message in the form of either API. They name a text and an image differently. */
type GivenContent =
  | string
  | readonly (
      | { readonly type: "input_image" | "image_url" }
      | { readonly type: "refusal"; readonly refusal: string }
      | { readonly type: "text" | "input_text" | "output_text"; readonly text: string }
    )[]

/** Returns the content as one text, with a placeholder for each image. */
export function joinText(content: GivenContent): string {
  if (typeof content === "string") return content
  return content.map((part) => readText(part) ?? "[image]").join("")
}

/** Returns the content in the form of the core. Takes its images from the front of `images`. */
export function toParts(content: GivenContent, images: ImagePart[]): readonly ContentPart[] {
  if (typeof content === "string") return content === "" ? [] : [{ type: "text", text: content }]
  return content.flatMap((part): readonly ContentPart[] => {
    const text = readText(part)
    if (text === null) return images.splice(0, 1)
    return text === "" ? [] : [{ type: "text", text }]
  })
}

/** Returns null for an image. */
function readText(part: Exclude<GivenContent, string>[number]): string | null {
  if ("text" in part) return part.text
  return "refusal" in part ? part.refusal : null
}

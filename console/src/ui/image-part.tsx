import type { ImageBlock } from "ai-agent-gateway/client"
import { toSafeAddress } from "../markdown/safe-address.ts"

const shownTypes: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"]

/** Returns the image in a data URI. Null for other addresses. */
export function parseImageData(address: string): Extract<ImageBlock["source"], { type: "base64" }> | null {
  const [, media_type, data] = /^data:(image\/[a-z]+);base64,([\w+/=]+)$/i.exec(address) ?? []
  if (media_type === undefined || data === undefined || !shownTypes.includes(media_type)) return null
  return { type: "base64", media_type, data }
}

/**
 * An image of a message or a result. An image on another server becomes a link, so that nothing is loaded from there
 * without a click.
 */
export function ImagePart({
  source: given,
  alt = "",
}: Pick<ImageBlock, "source"> & { readonly alt?: string }) {
  const source = given.type === "url" ? (parseImageData(given.url) ?? given) : given
  if (source.type === "url") {
    const address = toSafeAddress(source.url)
    if (address === null) return <p>Image: {source.url}</p>
    return (
      <p>
        <a href={address} target="_blank" rel="noopener noreferrer nofollow">
          Image: {source.url}
        </a>
      </p>
    )
  }
  if (!shownTypes.includes(source.media_type)) return <p>Image of type {source.media_type}</p>
  const address = `data:${source.media_type};base64,${source.data}`
  return (
    <a class="image" href={address} download={`image.${source.media_type.slice("image/".length)}`}>
      <img
        src={address}
        alt={alt === "" ? "Attached to the conversation. Select it to download it." : alt}
        loading="lazy"
      />
    </a>
  )
}

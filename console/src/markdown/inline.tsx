import type { MarkedToken, Token } from "marked"
import type { ComponentChildren } from "preact"
import { ImagePart, parseImageData } from "../ui/image-part.tsx"
import { decodeEntities } from "./decode-entities.ts"
import { toSafeAddress } from "./safe-address.ts"

/** Maximum depth of emphasis, which a model may nest without limit. */
const maxDepth = 20

/** The text of a block, with its emphasis, code and links. */
export function Inline({
  tokens,
  depth = 0,
}: {
  readonly tokens: readonly Token[]
  readonly depth?: number
}) {
  if (depth > maxDepth) return <>{tokens.map(({ raw }) => raw).join("")}</>
  return (
    <>
      {tokens.map((token, index) => (
        <InlineToken key={index} token={token as MarkedToken} depth={depth} />
      ))}
    </>
  )
}

function InlineToken({
  token,
  depth,
}: {
  readonly token: MarkedToken
  readonly depth: number
}): ComponentChildren {
  const renderInner = (tokens: readonly Token[] | undefined) => (
    <Inline tokens={tokens ?? []} depth={depth + 1} />
  )
  switch (token.type) {
    case "text":
    case "escape":
      return "tokens" in token && token.tokens !== undefined
        ? renderInner(token.tokens)
        : decodeEntities(token.text)
    case "strong":
      return <strong>{renderInner(token.tokens)}</strong>
    case "em":
      return <em>{renderInner(token.tokens)}</em>
    case "del":
      return <del>{renderInner(token.tokens)}</del>
    case "codespan":
      return <code>{token.text}</code>
    case "br":
      return <br />
    case "checkbox":
      return <Checkbox isChecked={token.checked} />
    case "link":
      return <Link href={token.href}>{renderInner(token.tokens)}</Link>
    case "image": {
      const source = parseImageData(token.href)
      if (source !== null) return <ImagePart source={source} alt={token.text} />
      // Loading the image would send the address to another server, and a prompt injection may have put data into the
      // address.
      return <Link href={token.href}>{`Image: ${token.text === "" ? token.href : token.text}`}</Link>
    }
    default:
      return token.raw
  }
}

/** The box of an item in a task list. */
export function Checkbox({ isChecked }: { readonly isChecked: boolean }) {
  return <input type="checkbox" checked={isChecked} disabled aria-label="Task" />
}

function Link({ href, children }: { readonly href: string; readonly children: ComponentChildren }) {
  const address = toSafeAddress(href)
  if (address === null) return <span>{children}</span>
  return (
    <a href={address} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  )
}

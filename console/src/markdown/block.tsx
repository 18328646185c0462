import type { MarkedToken, Token, Tokens } from "marked"
import type { ComponentChildren } from "preact"
import { memo } from "preact/compat"
import { CodeBlock } from "../ui/code-block.tsx"
import { Checkbox, Inline } from "./inline.tsx"

/** Maximum depth of lists and quotes. Deeper ones are shown as text, because a model may nest them without limit. */
const maxDepth = 12

export interface BlockProps {
  readonly token: Token
  /** Source text of the block. The block is rendered again only if the text changes. */
  readonly raw: string
  readonly depth?: number
  /** Level of the document's first heading. */
  readonly topHeading: number
}

/** One block of a Markdown document: a paragraph, a list, a table, code. */
export const Block = memo(
  ({ token, depth = 0, topHeading }: BlockProps) => {
    if (depth > maxDepth) return <p>{token.raw}</p>
    return renderBlock(token as MarkedToken, depth, topHeading)
  },
  (before, after) =>
    before.raw === after.raw &&
    before.token.type === after.token.type &&
    before.topHeading === after.topHeading,
)

function renderBlock(token: MarkedToken, depth: number, topHeading: number): ComponentChildren {
  switch (token.type) {
    case "heading":
      return <Heading level={2 + token.depth - topHeading} tokens={token.tokens} />
    case "paragraph":
      return (
        <p>
          <Inline tokens={token.tokens} />
        </p>
      )
    case "text":
      return token.tokens === undefined ? token.text : <Inline tokens={token.tokens} />
    case "code":
      return <CodeBlock code={token.text} language={token.lang ?? ""} />
    case "blockquote":
      return <blockquote>{renderBlocks(token.tokens, depth, topHeading)}</blockquote>
    case "list":
      return <List list={token} depth={depth} topHeading={topHeading} />
    case "table":
      return <Table table={token} />
    case "hr":
      return <hr />
    case "html":
      return <p>{token.raw}</p>
    case "checkbox":
      return <Checkbox isChecked={token.checked} />
    case "space":
    case "def":
      return null
    default:
      return <p>{token.raw}</p>
  }
}

function renderBlocks(tokens: readonly Token[], depth: number, topHeading: number) {
  return tokens.map((token, index) => (
    <Block key={index} token={token} raw={token.raw} depth={depth + 1} topHeading={topHeading} />
  ))
}

/**
 * A heading. The page has its own first-level heading, so the first heading of a response always has the second
 * level.
 */
function Heading({ level, tokens }: { readonly level: number; readonly tokens: readonly Token[] }) {
  const Tag = (["h2", "h3", "h4", "h5"] as const)[Math.min(Math.max(level, 2), 5) - 2] ?? "h5"
  return (
    <Tag>
      <Inline tokens={tokens} />
    </Tag>
  )
}

interface ListProps {
  readonly list: Tokens.List
  readonly depth: number
  readonly topHeading: number
}

function List({ list, depth, topHeading }: ListProps) {
  const items = list.items.map((item, index) => (
    <li key={index} class={item.task ? "check-item" : undefined}>
      {renderBlocks(item.tokens, depth, topHeading)}
    </li>
  ))
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>
}

function Table({ table }: { readonly table: Tokens.Table }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
    <figure class="table-frame" aria-label="Table" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {table.header.map(({ tokens, align }, index) => (
              <th key={index} class={align ?? undefined} scope="col">
                <Inline tokens={tokens} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, at) => (
            <tr key={at}>
              {row.map(({ tokens, align }, index) => (
                <td key={index} class={align ?? undefined}>
                  <Inline tokens={tokens} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}

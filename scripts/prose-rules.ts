import { parseSync, Visitor } from "oxc-parser"

/** Words that open a fragment instead of a sentence or a noun phrase. */
const fragmentWords = [
  ...["What", "Whatever", "Which", "Who", "Whose", "Where", "Whether", "Why", "How"],
  ...["Of", "Those", "None", "Nothing", "One that", "One who", "One whose"],
]
const opensWithFragment = new RegExp(`^(?:${fragmentWords.join("|")})\\b`)
/** British spellings. Words such as `cancelled`, which are names in the API, are not among them. */
export const britishSpelling =
  /\b(?:behaviour|colour|favour|honour|neighbour)\w*|\bmisspelt\b|\b(?:author|initial|normal|organ|recogn|serial|summar)is(?:ed?|es|ing|ations?)\b/i
/** Words in place of the actor or of a plain verb. */
const unclearWords = /\b(?:nobody|somebody|whoever|anew)\b/i
const maxColumns = 120
/** Matches a literal with so many consecutive words that it is prose. */
const isProse = /(?:[A-Za-z][\w',;:.`-]*\s+){7}[A-Za-z]/
const generated = "// Generated "
/** Functions whose first argument is the name of a test, which is a single string. */
const testFunctions = new Set(["describe", "it", "test"])

/** A range of the text. `end` is the offset after its last character. */
interface Part {
  readonly start: number
  readonly end: number
}

/**
 * Returns the places of a TypeScript file that break the rules of prose, a sentence each:
 *
 * - No doc comment opens with a fragment word.
 * - No comment has a British spelling.
 * - No comment has a pronoun in place of the actor, or another word that has a plainer one.
 * - No line of a comment, and no line with a prose text, is longer than 120 columns.
 *
 * The formatter breaks all other code. Long lines with a URL are exempt, because it cannot be broken. So are names of
 * tests, literals that are data (patterns, commands, SQL), directives to tools, and generated files.
 */
export function proseProblems(path: string, text: string): readonly string[] {
  if (text.startsWith(generated)) return []
  const { comments, program, errors } = parseSync(path, text)
  if (errors[0] !== undefined) throw new Error(`${path} cannot be parsed: ${errors[0].message}`)
  const fragments = comments
    .filter(({ type, value }) => type === "Block" && opensWithFragment.test(openingOf(value)))
    .map(({ start, value }) => {
      return `${path}:${lineAt(text, start)} a doc comment opens with "${openingOf(value).slice(0, 40)}"`
    })
  const words = comments.flatMap(({ start, value }) => {
    const [british] = britishSpelling.exec(value) ?? []
    const [unclear] = unclearWords.exec(value) ?? []
    return [
      ...(british === undefined ? [] : [`the British spelling "${british}"`]),
      ...(unclear === undefined ? [] : [`the word "${unclear}"; name the actor, or use a plain verb`]),
    ].map((problem) => `${path}:${lineAt(text, start)} a comment has ${problem}`)
  })
  const prose = [...comments, ...proseLiterals(program, text)]
  return [...fragments, ...words, ...longLines(path, text, prose)]
}

/** Returns the beginning of a doc comment's text; empty for another comment. */
function openingOf(comment: string): string {
  return comment.startsWith("*") ? comment.replace(/^[\s*]+/, "") : ""
}

function longLines(path: string, text: string, prose: readonly Part[]): readonly string[] {
  const problems: string[] = []
  let start = 0
  for (const [index, line] of text.split("\n").entries()) {
    const end = start + line.length
    const isExempt = /https?:\/\/|biome-ignore/.test(line)
    if (line.length > maxColumns && !isExempt) {
      // Text in the first columns does not make a line long.
      const isLong = prose.some((part) => part.start < end && part.end > start + maxColumns)
      if (isLong) problems.push(`${path}:${index + 1} is longer than ${maxColumns} columns`)
    }
    start = end + 1
  }
  return problems
}

function proseLiterals(program: ReturnType<typeof parseSync>["program"], text: string): readonly Part[] {
  const literals: Part[] = []
  const names: Part[] = []
  new Visitor({
    CallExpression({ callee, arguments: [name] }) {
      const called = /^\w+/.exec(text.slice(callee.start, callee.end))?.[0] ?? ""
      if (testFunctions.has(called) && name !== undefined) names.push(name)
    },
    Literal(literal) {
      if (typeof literal.value === "string" && isProse.test(literal.value)) literals.push(literal)
    },
    TemplateLiteral(template) {
      const { start, end, quasis } = template
      if (quasis.some(({ value }) => isProse.test(value.raw))) literals.push({ start, end })
    },
  }).visit(program)
  return literals.filter(({ start }) => !names.some((name) => name.start === start))
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length
}

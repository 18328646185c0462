import type OpenAI from "openai"

type Item = OpenAI.Responses.ResponseOutputItem

export const typesOf = (output: readonly Item[]) => output.map(({ type }) => type)

/** Returns the first item of a type. */
export function findItem<Type extends Item["type"]>(
  output: readonly Item[],
  type: Type,
): Extract<Item, { type: Type }> {
  const item = output.find((each): each is Extract<Item, { type: Type }> => each.type === type)
  if (item === undefined) throw new Error(`There is no ${type} in ${JSON.stringify(output)}.`)
  return item
}

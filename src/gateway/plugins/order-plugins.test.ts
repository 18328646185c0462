import { describe, expect, it } from "vitest"
import type { Plugin } from "../../core/ports/plugin.ts"
import { orderPlugins } from "./order-plugins.ts"

const plugin = (name: string, after?: Plugin["after"]): Plugin => ({
  name,
  setup: () => ({}),
  ...(after !== undefined && { after }),
})
const order = (...plugins: readonly Plugin[]) => orderPlugins(plugins, ["built_in"]).map(({ name }) => name)

describe("the order of plugins", () => {
  it("is that of the list, except that each plugin comes after those that it names", () => {
    expect(order(plugin("a"), plugin("b"), plugin("c"))).toEqual(["a", "b", "c"])
    expect(order(plugin("a", ["c"]), plugin("b"), plugin("c", ["b"]))).toEqual(["b", "c", "a"])
  })

  it("ignores the name of a built-in plugin that the agent does not have", () => {
    expect(order(plugin("a", ["built_in"]))).toEqual(["a"])
  })

  it("has a plugin after all others at the end, but for those that name it", () => {
    expect(order(plugin("last", "all"), plugin("a"), plugin("b", ["last"]), plugin("c", ["b"]))).toEqual([
      "a",
      "last",
      "b",
      "c",
    ])
    expect(order(plugin("one", "all"), plugin("two", "all"), plugin("a"))).toEqual(["a", "one", "two"])
  })

  it("refuses an unknown name, and says which names there are", () => {
    expect(() => order(plugin("a", ["b"]))).toThrow(
      'plugins: a is to open after "b", but no plugin has that name. The agent has a, built_in.',
    )
  })

  it("refuses plugins that wait for each other, and names them", () => {
    expect(() => order(plugin("x"), plugin("a", ["b"]), plugin("b", ["c"]), plugin("c", ["a"]))).toThrow(
      "plugins: a is to open after b is to open after c is to open after a. Remove one of these names",
    )
    expect(() => order(plugin("a", ["a"]))).toThrow("plugins: a is to open after a.")
  })
})

import { expect, it } from "vitest"
import { importHint } from "./import-hint.ts"

it.each(["Cannot use import statement outside a module", "Unexpected token 'export'"])(
  "names the remedy for a package that is not of modules: %s",
  (message) => {
    expect(importHint(new SyntaxError(message))).toContain('Set "type": "module" in package.json')
    expect(importHint(new Error(message))).toBe("")
  },
)

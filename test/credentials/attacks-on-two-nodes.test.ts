import { afterAll } from "vitest"
import { startPostgres } from "../end-to-end/support/postgres.ts"
import { testAttacks } from "./attacks.ts"
import { createTwoNodeOpeners } from "./clients.ts"

const ends: (() => unknown)[] = []
const postgres = await startPostgres((end) => ends.push(end))
afterAll(async () => {
  for (const end of ends.reverse()) await end()
})

let databases = 0
const openers = createTwoNodeOpeners(() => {
  databases += 1
  return postgres.createDatabase(`attacks_${databases}`)
})

testAttacks(openers)

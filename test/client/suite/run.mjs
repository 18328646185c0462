// node run.mjs CONTROL CLIENT: runs the scenarios with the built client in the folder CLIENT, and prints the outcomes
// as JSON. The standard error stream says which scenario runs.
import { longText } from "./model.mjs"
import { runScenarios } from "./scenarios.mjs"

const [control, client] = process.argv.slice(2)
const { connect } = await import(`${client}/index.js`)
const { createConversation, viewOfHistory } = await import(`${client}/view/index.js`)
const onStart = (name) => console.error(`Scenario: ${name}`)
const outcomes = await runScenarios(
  { connect, createConversation, viewOfHistory },
  { control, longText, onStart },
)
console.error("All scenarios have ended.")
console.log(`OUTCOMES ${JSON.stringify(outcomes)}`)

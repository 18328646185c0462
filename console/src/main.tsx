import { render } from "preact"
import { App } from "./app.tsx"
import "./styles/base.css"
import "./styles/layout.css"
import "./styles/chat.css"
import "./styles/sub-agents.css"
import "./styles/operate.css"
import { escapeRenderedText } from "./ui/visible-text.ts"

escapeRenderedText()
const container = document.getElementById("app")
if (container !== null) render(<App />, container)

import { StrictMode, Suspense, use } from "react"
import { createRoot } from "react-dom/client"
import { Page } from "../../../examples/18-react/page.tsx"

const gateway = { url: "/api", apiKey: "suite-key" }
const later = new Promise<string>((resolve) => setTimeout(resolve, 100, "loaded"))

/** Suspends the first rendering of its boundary, so that React discards that rendering. */
function Slow() {
  return <p id="slow">{use(later)}</p>
}

const container = document.createElement("div")
document.body.append(container)
createRoot(container).render(
  <StrictMode>
    <Suspense fallback="…">
      <Page {...gateway} />
      <Slow />
    </Suspense>
  </StrictMode>,
)

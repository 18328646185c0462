import type { Info } from "../api.ts"
import type { Route } from "../router.ts"
import { Notice } from "../ui/notice.tsx"

/** The views for operators, loaded when the first of them is opened. */
export function Operate(_: { readonly route: Route; readonly info: Info }) {
  return (
    <div class="page">
      <Notice title="There is no such view">
        <p>
          <a href="#/">Start a conversation</a>
        </p>
      </Notice>
    </div>
  )
}

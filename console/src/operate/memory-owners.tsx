import { hrefOf } from "../router.ts"
import { Notice } from "../ui/notice.tsx"
import type { MemoryOwner } from "./operator-types.ts"
import { Age, More, PageHead, Pending } from "./page-parts.tsx"
import { usePages } from "./use-loaded.ts"

function hrefOfMemory({ tenant, userId, agent }: Pick<MemoryOwner, "tenant" | "userId" | "agent">): string {
  return hrefOf(["memory"], { tenant, user: userId, agent })
}

/** The users about whom agents have stored memories. */
export function MemoryOwners() {
  const { items, problem, loadMore } = usePages<MemoryOwner>("memory/owners")
  return (
    <>
      <PageHead title="Memory" />
      {items === null && <Pending problem={problem} />}
      {items?.length === 0 && (
        <Notice title="No memories">
          <p>
            With the option <code>memory</code>, the agent keeps facts about its users that outlive a
            conversation. They appear here, by user.
          </p>
        </Notice>
      )}
      {items !== null && items.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: A wide table is scrolled with the keyboard.
        <section class="table-frame" aria-label="Users with memories" tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">User</th>
                <th scope="col">Tenant</th>
                <th scope="col">Agent</th>
                <th scope="col" class="right">
                  Memories
                </th>
                <th scope="col">Newest</th>
              </tr>
            </thead>
            <tbody>
              {items.map((owner) => (
                <tr key={JSON.stringify([owner.tenant, owner.userId, owner.agent])}>
                  <td>
                    <a href={hrefOfMemory(owner)}>{owner.userId}</a>
                  </td>
                  <td>{owner.tenant}</td>
                  <td>{owner.agent ?? <span class="hint">shared</span>}</td>
                  <td class="right">{owner.count}</td>
                  <td>
                    <Age at={owner.updatedAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <More onClick={loadMore} />
    </>
  )
}

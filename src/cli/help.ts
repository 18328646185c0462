export const generalHelp = `Usage: agent-gateway COMMAND [OPTIONS]

Commands:
  init [DIR]         Make a project with an agent that runs at once
  dev FILE           Serve an agent, and reload it whenever one of its files changes
  start FILE         Serve an agent
  chat [TARGET]      Talk to a running gateway, or to an agent, in this terminal
  run FILE "TASK"    Let an agent do one task without a server, and print its answer
  heartbeat FILE     Run an agent again and again, and print what a person should know
  approvals ACTION   List and answer what waits for a person
  outbox ACTION      List what could not be delivered yet, and retry or drop it
  schedules ACTION   List the schedules of a store, pause, resume, run or remove one
  sessions ACTION    List the sessions of a store, and show one with its runs
  mcp ACTION         Try out MCP servers: list them and their tools, call one
  doctor FILE        Open all that an agent needs, and say what does not work and why
  sandbox build      Build the Docker image that code_execute runs code in

FILE is a module whose default export is a gateway, as createAgent() or createGateway() makes it.

Options:
  -h, --help         Show this help, or that of a command: agent-gateway dev --help
  -v, --version      Show the version
  --verbose          Show the whole error with its stack when something fails (as DEBUG=1 does)
`

const serveOptions = `Options:
  --host HOST        Address to listen on (default 127.0.0.1: this machine only)
  --port PORT        Port to listen on; 0 takes a free one (default $PORT, else 8000)
  --allow-any-key    Let --host be an address that other machines reach although the agent has neither
                     validApiKeys nor authenticate: anyone who reaches it can use the agent
  --console          Serve the console at /console, where operators sign in with AGENT_GATEWAY_OPERATOR_KEY.
                     dev serves it without being asked, for browsers of this machine, and needs no key
  --no-console       Do not serve the console
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 stopped by a signal, 1 failed, 2 called wrongly, 4 the address cannot be listened on.
`

const runHelp = `Usage: agent-gateway run FILE "TASK" [OPTIONS]

Lets the agent of FILE do one task and streams its answer to stdout; the progress of tools, messages and logs go to
stderr.
With - in place of the task, the task is read from stdin.

Options:
  --json             Print the result as one line of JSON instead
  --events           Print each event of the HTTP API as one line of JSON instead
  --output FILE      Ask for an answer that fits the JSON Schema in FILE, and print it as one line of JSON
  --session ID       Continue this session
  --job ID           Name the work: the same command run again after a crash or a signal continues the same run, and
                     once it is over, prints its result again. Use another ID each time the work is to be done
  --state-dir DIR    Give the agent the state that earlier runs left in DIR/state.json, and save its update
  --timeout TIME     Cancel the run after this time, such as 90s, 10m or 2h (default 10m)
  --budget USD       Stop before the run costs more than this
  --max-turns N      Stop after this many turns (default 40)
  --yes TOOL         Approve calls of this tool without asking; may be given several times
  --on-human-needed POLICY
                     What to do about all other approvals and questions: ask (at a terminal, else deny), deny,
                     park (leave the run open for agent-gateway approvals) or fail (default ask)
  --agent NAME       Name of the agent, if FILE serves several (default: its default agent)
  --demo             If no model is configured, use a model server on this machine (Ollama), or else the offline demo
  --quiet            Do not show the progress of tools
  --verbose          Show the whole error with its stack when something fails

Without --demo, a model must be configured: by ANTHROPIC_API_KEY or OPENAI_API_KEY, or by a provider that FILE chooses.
SIGINT and SIGTERM cancel the run; with --job they leave it open. So does a reader of stdout that goes away.

Exit codes: 0 done, 1 failed, 2 called wrongly or stopped at a budget, 3 stopped at its maximum of turns,
75 waits for a person (park), 124 timed out, 130 interrupted (143 by SIGTERM, 141 if the reader of stdout went away).
`

const heartbeatHelp = `Usage: agent-gateway heartbeat FILE [OPTIONS]

Runs the agent of FILE again and again, each time in a new session. A response that is HEARTBEAT_OK, or little more, is
quiet; every other one is printed to stdout. Errors and logs go to stderr. SIGTERM or SIGINT stops it; the next start
continues.

Options:
  --interval TIME    From one tick to the next, such as 90s, 10m or 2h (default 30m)
  --cron EXPRESSION  Tick by a cron expression instead, such as "0 9 * * 1-5"
  --timezone ZONE    IANA time zone of --cron, --active-hours and --budget-per-day (default UTC)
  --active-hours H-H Tick only in these hours, such as 8-22; 22-6 crosses midnight
  --checklist FILE   What to check. A tick is skipped while there is no such file, or nothing but headings in it
  --task TEXT        Task of each tick (default: to look at the checklist)
  --state-dir DIR    Folder of heartbeat_state.json (default .agent-gateway-heartbeat)
  --budget-per-day USD
                     Skip the rest of a day's ticks once they cost this
  --timeout TIME     Cancel a tick after this time (default 10m)
  --yes TOOL         Approve calls of this tool without asking; may be given several times. Others are denied
  --max-ticks N      Stop after this many ticks
  --agent NAME       Name of the agent, if FILE serves several (default: its default agent)
  --demo             If no model is configured, use a model server on this machine (Ollama), or else the offline demo
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 stopped by a signal or after --max-ticks, 1 failed, 2 called wrongly.
`

const approvalsHelp = `Usage: agent-gateway approvals list [OPTIONS]
       agent-gateway approvals approve TOOL_CALL_ID [OPTIONS]
       agent-gateway approvals deny TOOL_CALL_ID [OPTIONS]
       agent-gateway approvals answer TOOL_CALL_ID [OPTIONS]

Lists and answers what waits for a person: calls that need an approval, and what tools ask the user (answer).
Works on the store itself: a running server acts on the answer at once, another one at its next start.

Options:
  --store STORE      Data directory, or postgres:// URL (default .agent-gateway)
  --edited-input JSON
                     approve: call the tool with these arguments in place of the model's
  --content JSON     answer: the values of the form
  --decline          answer: the user said no
  --allow-tool-type  approve: and do not ask about this tool type again in the session
  --scope SCOPE      approve: with --allow-tool-type, session (default) or tree: all sessions
                     of the tree
  --reason TEXT      deny: told to the model
  --nonce NONCE      Answer only the request that the list shows with this nonce; needed to
                     approve a call again whose tool changed after it was approved
  --user NAME        Who decides, for the audit trail
  --json             list: as one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 nothing of the kind is open or it failed, 2 called wrongly.
`

const outboxHelp = `Usage: agent-gateway outbox list [OPTIONS]
       agent-gateway outbox retry ROW... | --all [OPTIONS]
       agent-gateway outbox drop ROW... | --all [OPTIONS]

Lists what sessions want done outside themselves and what could not be delivered. A row that failed too often is dead:
retry delivers it again, with all its attempts; drop deletes it. Works on the store itself, with or without a running
server.

Options:
  --store STORE      Data directory, or postgres:// URL (default .agent-gateway)
  --dead             list: only dead rows
  --session ID       list: only rows of this session
  --after ROW        list: only rows with a higher number; a list has at most 1000
  --kind KIND        list, and --all: only rows of this kind
  --all              retry, drop: all dead rows
  --json             list: print one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 there is no such row or it failed, 2 called wrongly.
`

const schedulesHelp = `Usage: agent-gateway schedules list [OPTIONS]
       agent-gateway schedules history ID [OPTIONS]
       agent-gateway schedules pause|resume|run|remove ID [OPTIONS]

Lists the schedules of all agents and owners, or shows the last hundred occurrences of one. A paused schedule does not
fire until it is resumed. run fires a schedule now, also while it is paused. Works on the store itself: a running server
acts on a change within a second, another one at its next start.

Options:
  --store STORE      Data directory, or postgres:// URL (default .agent-gateway)
  --agent NAME       list: only schedules of this agent
  --after ID         list: only schedules after this one; a list has at most 1000
  --json             list, history: print one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 there is no such schedule, its run is still open, or it failed; 2 called wrongly.
`

const sessionsHelp = `Usage: agent-gateway sessions list [OPTIONS]
       agent-gateway sessions show SESSION_ID [OPTIONS]

Lists sessions, newest first, or shows one with its newest runs. Reads the store itself, with or without a running
server. A session is running, waiting (for an answer from outside), queued, idle, or unserved: no running server serves
its agent.

Options:
  --store STORE      Data directory, or postgres:// URL (default .agent-gateway)
  --agent NAME       list: only sessions with this agent
  --state STATE      list: only sessions in this state
  --tenant TENANT --user USER
                     list: only sessions of this user
  --limit N          list: at most so many sessions, from 1 to 200 (default 50)
  --after POSITION   list: the page after the one that printed this position
  --json             Print one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 no such session or it failed, 2 called wrongly.
`

const mcpHelp = `Usage: agent-gateway mcp list [OPTIONS]
       agent-gateway mcp tools [SERVER] [OPTIONS]
       agent-gateway mcp call SERVER TOOL [JSON] [OPTIONS]

Starts the MCP servers of a configuration file or of an agent, shows what they offer or calls a tool, and stops them.

Options:
  --config FILE      In the form of ~/.claude.json or .mcp.json (default $MCP_CONFIG_PATH)
  --agent FILE       Agent file. Starts the MCP servers it configures, but not the agent
  --name AGENT       Name of the agent, if FILE serves several (default: its default agent)
  --json             List as one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 all is well, 1 a server or the call failed, 2 called wrongly.
`

const sandboxHelp = `Usage: agent-gateway sandbox build [OPTIONS]

Builds the image that code runs in, with the Docker engine of this machine (DOCKER_HOST, if it is a Unix socket):
Debian with Python, NumPy, pandas, Matplotlib and Node.

Options:
  --tag TAG          Name of the image (default: where codeExecution looks for it)
  --base IMAGE       Debian image to begin with
  --file FILE        A Dockerfile of your own, which needs no other files
  --verbose          Show the whole error with its stack when something fails
`

const doctorHelp = `Usage: agent-gateway doctor FILE [OPTIONS]

Opens everything the agent needs and says of each part whether it works, and if not, why: whether agent-gateway start
would take it, its store, the backend that code runs in, each MCP server, with the link by which to authorize it.
Serves nothing, takes up no run, and calls no model.

Options:
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 all is well, 1 something does not work, 2 called wrongly.
`

const chatHelp = `Usage: agent-gateway chat [TARGET] [OPTIONS]

TARGET is the URL of a gateway (default http://127.0.0.1:8000/api), or a FILE whose agent is served on this machine
meanwhile. Answers stream to stdout; the progress of tools goes to stderr. Approvals and questions of tools are
asked here. A lost connection is opened again, and nothing is lost or shown twice.

Options:
  --api-key KEY      API key of the gateway (default $AGENT_GATEWAY_API_KEY, else dev)
  --user ID          User of the key
  --session ID       Continue this session
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 the input ended, 1 failed, 2 called wrongly, 130 interrupted.
`

const initHelp = `Usage: agent-gateway init [DIR] [OPTIONS]

Makes a project in DIR (default: this folder): an agent, a test, a Dockerfile, and instructions for coding agents. It
replaces no file. At a terminal it asks for the template.

Options:
  --template NAME    minimal: an agent and nothing else; tools (default): three tools, of which one needs an approval;
                     skills: instructions that the model loads when they fit; full: tools, limits, redaction and
                     Postgres, as in production; react: tools and a page with React
  --gateway VERSION  What npm installs as ai-agent-gateway: a range of versions, or the path or URL of a package
                     (default: this version)
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 a file is in the way or it failed, 2 called wrongly.
`

export const commandHelp = {
  init: initHelp,
  chat: chatHelp,
  dev: `Usage: agent-gateway dev FILE [OPTIONS]

Serves the agent of FILE and reloads it whenever FILE or a file that it imports changes.
Sessions outlive a reload. Without ANTHROPIC_API_KEY or OPENAI_API_KEY, an agent that chooses no model
gets one of a model server on this machine (Ollama), or else a demo.

${serveOptions}`,
  start: `Usage: agent-gateway start FILE [OPTIONS]

Serves the agent of FILE, whose model needs a key: ANTHROPIC_API_KEY, OPENAI_API_KEY, or whatever the
agent chooses. SIGTERM or SIGINT stops it gracefully: unfinished runs go on at the next start.

${serveOptions}`,
  run: runHelp,
  heartbeat: heartbeatHelp,
  approvals: approvalsHelp,
  outbox: outboxHelp,
  mcp: mcpHelp,
  sandbox: sandboxHelp,
  schedules: schedulesHelp,
  sessions: sessionsHelp,
  doctor: doctorHelp,
} as const

export type CommandName = keyof typeof commandHelp

export const commandNames: readonly string[] = Object.keys(commandHelp)

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commandHelp, name)
}

import { createOperationHelp } from "./operation-help.ts"

const onStore = "Works on the store itself, with or without a running server, or with --url on a gateway."

export const generalHelp = `Usage: agent-gateway COMMAND [OPTIONS]

Commands:
  init [DIR]         Make a project with a working agent
  dev FILE           Serve an agent, and reload it whenever one of its files changes
  start FILE         Serve an agent
  chat [TARGET]      Talk to a running gateway, or to an agent, in this terminal
  run FILE "TASK"    Run one task without a server, and print the response
  heartbeat FILE     Run an agent at intervals, and print what needs attention
  sessions ACTION    List sessions, show one with its runs, or revoke it
  runs ACTION        List runs, and show or cancel one
  approvals ACTION   List pending approvals and questions, and answer them
  waits ACTION       List everything that runs wait for
  grants ACTION      List and revoke what may run without further approvals
  schedules ACTION   List schedules, pause, resume, run, replace or remove one
  memory ACTION      List what is stored about a user, and forget it
  outbox ACTION      List undelivered outbox items, and retry or drop them
  gateway ACTION     Show a running gateway: its agents, its state and its configuration
  tool-sources ACTION
                     List the MCP servers of a running gateway with their tools
  sandbox ACTION     Show the sandboxes of a running gateway, or build their Docker image
  store ACTION       Pause a store that was restored from a backup, and resume it
  mcp ACTION         Try MCP servers: list them and their tools, and call a tool
  doctor FILE        Check what an agent needs, and report what does not work and why
  completion SHELL   Print a script by which bash, zsh or fish completes commands and options

FILE is a module whose default export is a gateway, as createAgent() or createGateway() returns it.

Options:
  -h, --help         Show this help, or the help of a command: agent-gateway dev --help
  -v, --version      Show the version
  --verbose          Show the whole error with its stack when something fails (as DEBUG=1 does)
`

const serveOptions = `Options:
  --host HOST        Address to listen on (default 127.0.0.1: this machine only)
  --port PORT        Port to listen on; 0 chooses a free one (default $PORT, otherwise 8000)
  --allow-any-key    Allow a --host that other machines can reach although the agent has neither validApiKeys
                     nor authenticate. Anyone who reaches it can use the agent
  --console          Serve the console at /console, where operators sign in with AGENT_GATEWAY_OPERATOR_KEY.
                     dev always serves it to browsers of this machine, without a key
  --no-console       Do not serve the console
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 stopped by a signal, 1 failed, 2 wrong usage, 4 the gateway cannot listen on the address.
`

const runHelp = `Usage: agent-gateway run FILE "TASK" [-] [OPTIONS]

Runs one task with the agent of FILE and streams the response to stdout. Tool progress and the log go to stderr.
Text that is piped in, at most 1 MiB, follows the task: agent-gateway run agent.ts "Summarize this log" < app.log
A pipe without data for 3 seconds is ignored, unless a - follows the task. If the task is - or missing, it is read from
stdin.

Options:
  --json             Print the result as one line of JSON instead
  --events           Print each event of the HTTP API as one line of JSON instead
  --output FILE      Require a response that matches the JSON Schema in FILE, and print it as one line of JSON
  --session ID       Continue this session
  --job ID           Name the work. After a crash or a signal, the same command continues the same run. After the
                     run, it prints the result again. To do the work again, use another ID
  --state-dir DIR    Show the agent the state that earlier runs saved in DIR/state.json, and save its update
  --timeout TIME     Cancel the run after this time, such as 90s, 10m or 2h (default 10m)
  --budget USD       Stop before the run costs more than this
  --max-turns N      Stop after this many turns (default 40)
  --yes TOOL         Approve calls of this tool without asking; may be given several times
  --on-human-needed POLICY
                     Handling of all other approvals and questions: ask (without a terminal: deny), deny,
                     park (leave the run open for agent-gateway approvals) or fail (default ask)
  --agent NAME       Name of the agent, if FILE serves several (default: its default agent)
  --demo             If no model is configured, use a model server on this machine (Ollama) or the offline demo
  --quiet            Do not show the progress of tools, and log only errors
  --log FORM         Log everything to stderr as pretty or json, or nothing: none (default: warnings and errors)
  --verbose          Show the whole error with its stack when something fails

Without --demo, a model must be configured: by ANTHROPIC_API_KEY or OPENAI_API_KEY, or by a provider that FILE chooses.
SIGINT, SIGTERM and a closed stdout cancel the run. With --job they leave it open.

Exit codes: 0 done, 1 failed, 2 wrong usage or stopped at a budget, 3 stopped at its maximum of turns,
75 waits for a person (park), 124 timed out, 130 interrupted (143 by SIGTERM, 141 if stdout was closed).
`

const heartbeatHelp = `Usage: agent-gateway heartbeat FILE [OPTIONS]

Runs the agent of FILE at intervals, each time in a new session. Prints each response to stdout, unless the response is
HEARTBEAT_OK or little more. Errors and logs go to stderr. SIGTERM or SIGINT stops the heartbeat, and the next start
continues it.

Options:
  --interval TIME    Time from one tick to the next, such as 90s, 10m or 2h (default 30m)
  --cron EXPRESSION  Tick by a cron expression instead, such as "0 9 * * 1-5"
  --timezone ZONE    IANA time zone of --cron, --active-hours and --budget-per-day (default UTC)
  --active-hours H-H Tick only in these hours, such as 8-22; 22-6 crosses midnight
  --checklist FILE   File that says what to check. While it is missing or has only headings, ticks are skipped
  --task TEXT        Task of each tick (default: to look at the checklist)
  --state-dir DIR    Folder of heartbeat_state.json (default .agent-gateway-heartbeat)
  --budget-per-day USD
                     Skip the rest of a day's ticks when they have cost this
  --timeout TIME     Cancel a tick after this time (default 10m)
  --yes TOOL         Approve calls of this tool without asking; may be given several times. Others are denied
  --max-ticks N      Stop after this many ticks
  --agent NAME       Name of the agent, if FILE serves several (default: its default agent)
  --demo             If no model is configured, use a model server on this machine (Ollama) or the offline demo
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 stopped by a signal or after --max-ticks, 1 failed, 2 wrong usage.
`

const createApprovalsHelp = () =>
  createOperationHelp(
    "approvals",
    "Lists and answers what waits for a person: approvals, questions of tools, and calls of client tools. A running " +
      `server acts on an answer at once, and a stopped one at its next start. ${onStore}`,
    {
      usages: ["approve TOOL_CALL_ID", "deny TOOL_CALL_ID", "answer TOOL_CALL_ID"],
      actions: [
        ["approve", "Approve a call"],
        ["deny", "Deny a call"],
        ["answer", "Answer a question of a tool"],
      ],
      options: [
        ["--edited-input JSON", "approve: call the tool with these arguments instead of the model's"],
        ["--allow-tool-type", "approve: do not ask about this tool type again in the session"],
        [
          "--scope SCOPE",
          "approve: with --allow-tool-type, session (default) or tree: all sessions of the tree",
        ],
        ["--content JSON", "answer: the values of the form"],
        ["--decline", "answer: decline the question"],
        ["--reason TEXT", "deny: reason that the model receives"],
        [
          "--nonce NONCE",
          "Answer only the request that the list shows with this nonce. Required to approve a call again after its " +
            "tool changed",
        ],
        ["--user NAME", "Name of the person who decides, for the audit trail of the store"],
      ],
    },
  )

const createOutboxHelp = () =>
  createOperationHelp(
    "outbox",
    "Lists effects and deliveries of sessions that are not done yet. A row that failed too often is dead: retry " +
      `delivers it again with all its tries, and drop deletes it. ${onStore}`,
  )

const storeHelp = `Usage: agent-gateway store restore|resume [OPTIONS]

A copy of a store that was restored from a backup still has the open runs, deliveries and schedules of the original.
restore pauses the store: a gateway that starts on it does none of this work, and is not ready. resume ends the pause.
Run restore before you start the gateway, because gateways that run already are not paused.

Options:
  --store STORE      Data directory, or postgres:// URL (default .agent-gateway)
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 failed, 2 wrong usage.
`

const createMemoryHelp = () =>
  createOperationHelp("memory", `Lists what agents have stored about users, or deletes it. ${onStore}`)

const createSchedulesHelp = () =>
  createOperationHelp(
    "schedules",
    "Lists the schedules of all agents and owners, and changes them. A paused schedule does not fire until it is " +
      "resumed. A running server acts on a change within a second, and a stopped one at its next start. " +
      `${onStore} create needs --url.`,
  )

const createSessionsHelp = () =>
  createOperationHelp(
    "sessions",
    "Lists sessions, newest first, shows or revokes one. A session is running, waiting (for an answer from outside), " +
      `queued, idle, or unserved: no running server serves its agent. ${onStore}`,
  )

const mcpHelp = `Usage: agent-gateway mcp list [OPTIONS]
       agent-gateway mcp tools [SERVER] [OPTIONS]
       agent-gateway mcp call SERVER TOOL [JSON] [OPTIONS]

Starts the MCP servers of a configuration file or of an agent, lists their tools or calls one, and stops them.

Options:
  --config FILE      Configuration in the form of ~/.claude.json or .mcp.json (default $MCP_CONFIG_PATH)
  --agent FILE       Agent file. Starts the MCP servers it configures, but not the agent
  --name AGENT       Name of the agent, if FILE serves several (default: its default agent)
  --json             List as one line of JSON
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 everything works, 1 a server or the call failed, 2 wrong usage.
`

const createSandboxHelp = () =>
  createOperationHelp(
    "sandbox",
    "Shows the sandboxes in which a running gateway executes code (list and sessions need --url). build makes their " +
      "image with the Docker engine of this machine (DOCKER_HOST, if it is a Unix socket): Debian with Python, " +
      "NumPy, pandas, Matplotlib and Node.",
    {
      usages: ["build"],
      actions: [["build", "Build the Docker image in which code_execute runs code"]],
      options: [
        ["--tag TAG", "build: name of the image (default: the name that codeExecution uses)"],
        ["--base IMAGE", "build: Debian image to start from"],
        ["--file FILE", "build: custom Dockerfile, which needs no other files"],
      ],
    },
  )

const doctorHelp = `Usage: agent-gateway doctor FILE [OPTIONS]

Opens what the agent needs and reports for each part if it works, and if not, why: the configuration that agent-gateway
start requires, the store, the backend in which code runs, and each MCP server, with the link to authorize the gateway.
Calls each model once, for at most 16 tokens, and reports what that cost. Serves nothing and continues no run.

Options:
  --no-model-calls   Do not call the models. A wrong key, model or base URL is not found then
  --log FORM         Write the log to stderr beside the report: pretty, json or none (default none)
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 everything works, 1 something does not work, 2 wrong usage.
`

const chatHelp = `Usage: agent-gateway chat [TARGET] [OPTIONS]

TARGET is the URL of a gateway (default http://127.0.0.1:8000/api), or a FILE whose agent this command serves on this
machine for the length of the chat. Responses stream to stdout, and the progress of tools goes to stderr. The command
asks for approvals and for answers to questions of tools. If the connection is lost, it reconnects without losing or
repeating anything. An agent that it serves logs only errors, unless FILE sets a logger.

Options:
  --api-key KEY      API key of the gateway (default $AGENT_GATEWAY_API_KEY, else dev)
  --user ID          User of the key
  --session ID       Continue this session
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 the input ended, 1 failed (without a terminal also if the last message failed), 2 wrong usage,
130 interrupted.
`

const initHelp = `Usage: agent-gateway init [DIR] [OPTIONS]

Makes a project in DIR (default: this folder): an agent, a test, a Dockerfile, and instructions for coding agents. Never
overwrites a file. At a terminal it asks for the template. If the Node of this machine is too old, npm installs one into
the project.

Options:
  --template NAME    minimal: an agent and nothing else; tools (default): three tools, of which one needs an approval;
                     skills: instructions that the model loads when they fit; full: tools, limits, redaction and
                     Postgres, as in production; react: tools and a page with React
  --gateway VERSION  Version of ai-agent-gateway that npm installs: a range, or the path or URL of a package
                     (default: the package that this command comes from). A package file is copied into DIR
  --verbose          Show the whole error with its stack when something fails

Exit codes: 0 done, 1 a file already exists or the command failed, 2 wrong usage.
`

const completionHelp = `Usage: agent-gateway completion bash|zsh|fish

Prints a script by which the shell completes commands, actions and options. To load it in each new shell:

  bash               Add to ~/.bashrc:  eval "$(agent-gateway completion bash)"
  zsh                Add to ~/.zshrc, after compinit:  eval "$(agent-gateway completion zsh)"
  fish               agent-gateway completion fish > ~/.config/fish/completions/agent-gateway.fish
`

/** The help of each command. That of operations is made when it is read, because most commands start without it. */
export const commandHelp = {
  init: initHelp,
  chat: chatHelp,
  dev: `Usage: agent-gateway dev FILE [OPTIONS]

Serves the agent of FILE and reloads it whenever FILE or a file that it imports changes. Sessions survive a reload. If
the agent chooses no model and there is no ANTHROPIC_API_KEY or OPENAI_API_KEY, it uses a model server on this machine
(Ollama) or a demo.

${serveOptions}`,
  start: `Usage: agent-gateway start FILE [OPTIONS]

Serves the agent of FILE. A model must be configured: by ANTHROPIC_API_KEY, by OPENAI_API_KEY, or in FILE. SIGTERM or
SIGINT stops it gracefully, and unfinished runs continue at the next start.

${serveOptions}`,
  run: runHelp,
  heartbeat: heartbeatHelp,
  get sessions() {
    return createSessionsHelp()
  },
  get runs() {
    return createOperationHelp(
      "runs",
      `Lists the runs of all sessions, newest first, and shows or cancels one. ${onStore}`,
    )
  },
  get approvals() {
    return createApprovalsHelp()
  },
  get waits() {
    return createOperationHelp(
      "waits",
      `Lists what open runs wait for: people, clients, other sessions and times. ${onStore}`,
    )
  },
  get grants() {
    return createOperationHelp(
      "grants",
      `Lists and revokes the tool types that need no further approval in a session. ${onStore}`,
    )
  },
  get schedules() {
    return createSchedulesHelp()
  },
  get memory() {
    return createMemoryHelp()
  },
  get outbox() {
    return createOutboxHelp()
  },
  get gateway() {
    return createOperationHelp("gateway", "Shows a running gateway, and needs --url.")
  },
  get tools() {
    return createOperationHelp(
      "tools",
      "Lists the tools of a running gateway's agents, and calls them without a model. Needs --url.",
    )
  },
  get "tool-sources"() {
    return createOperationHelp(
      "tool-sources",
      "Shows what a running gateway has tools from, and needs --url.",
    )
  },
  get sandbox() {
    return createSandboxHelp()
  },
  mcp: mcpHelp,
  store: storeHelp,
  doctor: doctorHelp,
  completion: completionHelp,
} as const

export type CommandName = keyof typeof commandHelp

export const commandNames: readonly CommandName[] = Object.keys(commandHelp).filter(isCommandName)

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(commandHelp, name)
}

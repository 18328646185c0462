import { parseArgs } from "node:util"
import { expectPositionals } from "../arguments.ts"
import type { CliContext } from "../cli-context.ts"
import { parseUsage, UsageError } from "../cli-error.ts"
import { listCommandWords } from "../command-words.ts"
import { exitCodes } from "../exit-codes.ts"
import { commandNames } from "../help.ts"

const scripts: Readonly<Record<string, () => string>> = {
  bash: createBashScript,
  zsh: createZshScript,
  fish: createFishScript,
}

/** `completion SHELL` prints a script with which the shell completes commands, actions and options. */
export async function runCompletionCommand({ argv, stdout }: CliContext): Promise<number> {
  const { positionals } = parseUsage("completion", () =>
    parseArgs({ args: [...argv], allowPositionals: true, options: { verbose: { type: "boolean" } } }),
  )
  const [shell] = expectPositionals("completion", positionals, ["SHELL"])
  const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
  if (script === undefined) {
    throw new UsageError(`SHELL must be one of ${Object.keys(scripts).join(", ")}, but it is ${shell}.`)
  }
  stdout.write(script())
  return exitCodes.success
}

function createBashScript(): string {
  const cases = commandNames.map((command) => {
    const { actions, options } = listCommandWords(command)
    return `    ${command}) actions="${actions.join(" ")}"; options="${options.join(" ")}" ;;`
  })
  return `# Add to ~/.bashrc:  eval "$(agent-gateway completion bash)"
_agent_gateway() {
  local word="\${COMP_WORDS[COMP_CWORD]}" actions="" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${commandNames.join(" ")} --help --version" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join("\n")}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *)
      COMPREPLY=()
      if [ "$COMP_CWORD" -eq 2 ]; then COMPREPLY=($(compgen -W "$actions" -- "$word")); fi
      ;;
  esac
}
complete -o default -F _agent_gateway agent-gateway
`
}

function createZshScript(): string {
  const cases = commandNames.map((command) => {
    const { actions, options } = listCommandWords(command)
    return `    ${command}) actions=(${actions.join(" ")}); options=(${options.join(" ")}) ;;`
  })
  return `#compdef agent-gateway
# Add to ~/.zshrc, after compinit:  eval "$(agent-gateway completion zsh)"
_agent_gateway() {
  local -a actions options
  if (( CURRENT == 2 )); then
    compadd -- ${commandNames.join(" ")} --help --version
    return
  fi
  case "\${words[2]}" in
${cases.join("\n")}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    compadd -- $options
    return
  fi
  if (( CURRENT == 3 && \${#actions} > 0 )); then compadd -- $actions; fi
  _files
}
compdef _agent_gateway agent-gateway
`
}

function createFishScript(): string {
  const lines = commandNames.flatMap((command) => {
    const { actions, options } = listCommandWords(command)
    const under = `complete -c agent-gateway -n "__fish_seen_subcommand_from ${command}"`
    return [
      ...(actions.length === 0 ? [] : [`${under} -a "${actions.join(" ")}"`]),
      ...options.map((option) => `${under} -l ${option.slice("--".length)}`),
    ]
  })
  return `# Save as ~/.config/fish/completions/agent-gateway.fish
complete -c agent-gateway -n __fish_use_subcommand -f -a "${commandNames.join(" ")}"
complete -c agent-gateway -n __fish_use_subcommand -l help
complete -c agent-gateway -n __fish_use_subcommand -l version
${lines.join("\n")}
`
}

package completion

import (
	"fmt"
	"strings"
)

// bash returns the script for bash. A word without a proposal is completed as a file, by
// `complete -o default`.
func bash(program string, all []entry) string {
	var b strings.Builder
	name := "_" + strings.ReplaceAll(program, "-", "_")
	fmt.Fprintf(&b, "# %s completion bash\n%s() {\n", program, name)
	b.WriteString(`	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command= words=
	if ((COMP_CWORD > 1)) && [[ ${COMP_WORDS[1]} != -* ]]; then
		command=${COMP_WORDS[1]}
	fi
	COMPREPLY=()
	case $command:$prev in
`)
	for _, e := range all {
		for _, o := range e.flags {
			if len(o.choices) > 0 {
				fmt.Fprintf(&b, "	%s:-%s) words='%s' ;;\n", e.name, o.name, strings.Join(o.choices, " "))
			}
		}
	}
	if files := with(all, func(o option) bool { return o.files }); len(files) > 0 {
		fmt.Fprintf(&b, "	%s) return ;;\n", strings.Join(files, " | "))
	}
	if plain := with(all, option.plain); len(plain) > 0 {
		fmt.Fprintf(&b, "	%s)\n		compopt +o default 2>/dev/null\n		return\n		;;\n", strings.Join(plain, " | "))
	}
	b.WriteString("	*)\n		case $command:$cur in\n")
	for _, e := range all {
		fmt.Fprintf(&b, "		%s:-*) words='%s' ;;\n", e.name, strings.Join(e.names(), " "))
		if len(e.arguments) > 0 {
			fmt.Fprintf(&b, "		%s:*) words='%s' ;;\n", e.name, strings.Join(e.arguments, " "))
		}
	}
	fmt.Fprintf(&b, "		:*) ((COMP_CWORD > 1)) || words='%s' ;;\n", strings.Join(commandNames(all), " "))
	fmt.Fprintf(&b, "		esac\n		;;\n	esac\n	COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\ncomplete -o default -F %s %s\n",
		name, program)
	return b.String()
}

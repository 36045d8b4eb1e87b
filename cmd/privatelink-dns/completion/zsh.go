package completion

import (
	"fmt"
	"strings"
)

// zsh returns the script for zsh: a file of $fpath, or one to source after compinit. As
// a file, zsh loads it at the first completion, as a function of the file's name.
func zsh(program string, all []entry) string {
	var b strings.Builder
	name := "_" + program
	fmt.Fprintf(&b, "#compdef %s\n# %s completion zsh\n%s() {\n", program, program, name)
	b.WriteString("	if ((CURRENT == 2)) && [[ $words[2] != -* ]]; then\n		local -a commands=(\n")
	for _, e := range all[1:] {
		fmt.Fprintf(&b, "			%s\n", quote(e.name+":"+e.summary))
	}
	b.WriteString("		)\n		_describe command commands\n		return\n	fi\n	case $words[2] in\n")
	for _, e := range append(all[1:len(all):len(all)], all[0]) {
		if e.name == "" {
			b.WriteString("	*)\n")
		} else {
			fmt.Fprintf(&b, "	%s)\n		shift words\n		((CURRENT--))\n", e.name)
		}
		b.WriteString("		_arguments")
		for _, o := range e.flags {
			b.WriteString(" \\\n			" + quote(o.zsh()))
		}
		switch {
		case len(e.arguments) > 0:
			fmt.Fprintf(&b, " \\\n			'1:argument:(%s)'", strings.Join(e.arguments, " "))
		case e.name != "":
			b.WriteString(" \\\n			'*:file:_files'")
		}
		b.WriteString("\n		;;\n")
	}
	fmt.Fprintf(&b, "	esac\n}\nif [[ $funcstack[1] == %s ]]; then\n	%s \"$@\"\nelse\n	compdef %s %s\nfi\n", name, name, name, program)
	return b.String()
}

// escape is for the texts of _arguments.
var escape = strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`)

// zsh returns the option as a specification of _arguments. Options are repeatable.
func (o option) zsh() string {
	text := fmt.Sprintf("*-%s[%s]", o.name, escape.Replace(o.usage))
	switch {
	case o.value == "":
		return text
	case o.files:
		return text + ":" + o.value + ":_files"
	case len(o.choices) > 0:
		return text + ":" + o.value + ":(" + strings.Join(o.choices, " ") + ")"
	}
	return text + ":" + o.value + ": "
}

# fish completion of nsinit
complete -c nsinit -f
complete -c nsinit -n 'not __fish_seen_subcommand_from run ctl list inspect enter stop kill pause unpause top ns net image check convert schema openapi completion help' -a 'run ctl list inspect enter stop kill pause unpause top ns net image check convert schema openapi completion help'
complete -c nsinit -n '__fish_seen_subcommand_from run check' -F
complete -c nsinit -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c nsinit -n '__fish_seen_subcommand_from schema' -l docs
complete -c nsinit -n '__fish_seen_subcommand_from run' -l dry-run
complete -c nsinit -n '__fish_seen_subcommand_from run' -l detach
complete -c nsinit -n '__fish_seen_subcommand_from run' -l pid-file
complete -c nsinit -n '__fish_seen_subcommand_from run' -l info-fd
complete -c nsinit -n '__fish_seen_subcommand_from run' -l block-fd
complete -c nsinit -n '__fish_seen_subcommand_from run' -l console-socket
complete -c nsinit -n '__fish_seen_subcommand_from run' -l preserve-fds
complete -c nsinit -n '__fish_seen_subcommand_from run' -l capabilities
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cap-add
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cap-drop
complete -c nsinit -n '__fish_seen_subcommand_from run' -l ambient
complete -c nsinit -n '__fish_seen_subcommand_from run' -l inheritable
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-new-privs
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-no-new-privs
complete -c nsinit -n '__fish_seen_subcommand_from run' -l seccomp
complete -c nsinit -n '__fish_seen_subcommand_from run' -l landlock
complete -c nsinit -n '__fish_seen_subcommand_from run' -l name
complete -c nsinit -n '__fish_seen_subcommand_from run' -l hostname
complete -c nsinit -n '__fish_seen_subcommand_from run' -l domainname
complete -c nsinit -n '__fish_seen_subcommand_from run' -l namespaces
complete -c nsinit -n '__fish_seen_subcommand_from run' -l users
complete -c nsinit -n '__fish_seen_subcommand_from run' -l time-offsets
complete -c nsinit -n '__fish_seen_subcommand_from run' -l network
complete -c nsinit -n '__fish_seen_subcommand_from run' -l bundle
complete -c nsinit -n '__fish_seen_subcommand_from run' -l rootfs
complete -c nsinit -n '__fish_seen_subcommand_from run' -l overlay
complete -c nsinit -n '__fish_seen_subcommand_from run' -l image
complete -c nsinit -n '__fish_seen_subcommand_from run' -l readonly
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-readonly
complete -c nsinit -n '__fish_seen_subcommand_from run' -l mounts
complete -c nsinit -n '__fish_seen_subcommand_from run' -l propagation
complete -c nsinit -n '__fish_seen_subcommand_from run' -l masked-paths
complete -c nsinit -n '__fish_seen_subcommand_from run' -l readonly-paths
complete -c nsinit -n '__fish_seen_subcommand_from run' -l devices
complete -c nsinit -n '__fish_seen_subcommand_from run' -l sysctls
complete -c nsinit -n '__fish_seen_subcommand_from run' -l resources
complete -c nsinit -n '__fish_seen_subcommand_from run' -l resources-optional
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-resources-optional
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cgroup-parent
complete -c nsinit -n '__fish_seen_subcommand_from run' -l sealed
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-sealed
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cpu
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cpu-weight
complete -c nsinit -n '__fish_seen_subcommand_from run' -l cpuset
complete -c nsinit -n '__fish_seen_subcommand_from run' -l memory
complete -c nsinit -n '__fish_seen_subcommand_from run' -l memory-high
complete -c nsinit -n '__fish_seen_subcommand_from run' -l swap
complete -c nsinit -n '__fish_seen_subcommand_from run' -l pids
complete -c nsinit -n '__fish_seen_subcommand_from run' -l io
complete -c nsinit -n '__fish_seen_subcommand_from run' -l device-access
complete -c nsinit -n '__fish_seen_subcommand_from run' -l bridge
complete -c nsinit -n '__fish_seen_subcommand_from run' -l subnet
complete -c nsinit -n '__fish_seen_subcommand_from run' -l address
complete -c nsinit -n '__fish_seen_subcommand_from run' -l gateway
complete -c nsinit -n '__fish_seen_subcommand_from run' -l dns
complete -c nsinit -n '__fish_seen_subcommand_from run' -l dns-search
complete -c nsinit -n '__fish_seen_subcommand_from run' -l hosts
complete -c nsinit -n '__fish_seen_subcommand_from run' -l nat
complete -c nsinit -n '__fish_seen_subcommand_from run' -l no-nat
complete -c nsinit -n '__fish_seen_subcommand_from run' -l publish
complete -c nsinit -n '__fish_seen_subcommand_from run' -l help
complete -c nsinit -n '__fish_seen_subcommand_from convert' -F
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l from -x -a 'supervisord procfile' -d 'what they are, if it can\'t be seen'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l strict -d 'write nothing if anything has no equal, and tell what'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l output -s o -d 'the file to write, instead of stdout'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l force -s f -d 'overwrite that file'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l formation -d 'of a Procfile: how many of each, such as web=2,worker=4'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l port -d 'of a Procfile: the port of the first process (5000)'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l profile -d 'of compose: the profiles that are started, as in a,b'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l env-file -d 'of a Procfile or compose: instead of the .env beside it'
complete -c nsinit -n '__fish_seen_subcommand_from convert' -l sandbox -d 'of compose: with a [sandbox] that publishes the ports'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a list -d 'list namespaces: their inode, kind, processes, owner, and the files that hold them'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a compare -d 'tell which namespaces two processes share'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a supported -d 'tell which kinds this kernel has, and how many of each a user may make'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a pin -d 'keep a namespace when its last process has ended, by a file that holds it'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and not __fish_seen_subcommand_from list compare supported pin unpin' -a unpin -d 'let go of a namespace, and remove the file that held it'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from list' -l kind -x -a 'user ipc uts net pid mount cgroup time'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from list' -l json
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from list' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from compare' -l json
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from compare' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from supported' -l json
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from pin' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from pin' -a 'user ipc uts net pid mount cgroup time'
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from pin' -F
complete -c nsinit -n '__fish_seen_subcommand_from ns; and __fish_seen_subcommand_from unpin' -F
complete -c nsinit -n '__fish_seen_subcommand_from net; and not __fish_seen_subcommand_from add remove show' -a add -d 'connect one more interface to a sandbox'
complete -c nsinit -n '__fish_seen_subcommand_from net; and not __fish_seen_subcommand_from add remove show' -a remove -d 'remove an interface that nsinit has made, or give back one that was moved in'
complete -c nsinit -n '__fish_seen_subcommand_from net; and not __fish_seen_subcommand_from add remove show' -a show -d 'tell which interfaces, addresses and published ports sandboxes have'
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l bridge -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l type -x -a 'bridge macvlan phys'
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l parent -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l name -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l address -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l gateway -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l mac -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l mtu -x
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -l json
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from add' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from remove' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from show' -l json
complete -c nsinit -n '__fish_seen_subcommand_from net; and __fish_seen_subcommand_from show' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from import list inspect remove' -a import -d 'keep the images of an OCI image layout, or of what docker save wrote'
complete -c nsinit -n '__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from import list inspect remove' -a list -d 'list the images, with what their layers have on the disk'
complete -c nsinit -n '__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from import list inspect remove' -a inspect -d 'tell all that is known of an image, as JSON: layers, command, environment'
complete -c nsinit -n '__fish_seen_subcommand_from image; and not __fish_seen_subcommand_from import list inspect remove' -a remove -d 'remove images, and the layers that no other needs; refused while a sandbox runs'
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -l name -x
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -l only -x
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -l max-size -x
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -l max-files -x
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -l json
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from import' -F
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from list' -l quiet
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from list' -l json
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from inspect' -a '(nsinit image list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from remove' -l json
complete -c nsinit -n '__fish_seen_subcommand_from image; and __fish_seen_subcommand_from remove' -a '(nsinit image list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from list; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from list; and not __fish_seen_subcommand_from ctl' -l quiet -s q -d 'only their names'
complete -c nsinit -n '__fish_seen_subcommand_from list; and not __fish_seen_subcommand_from ctl' -l json -d 'JSON instead of a table'
complete -c nsinit -n '__fish_seen_subcommand_from inspect; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -l service -x -d 'in the place of this service: its user, directory, ...'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -l user -s u -x -d 'as whom: NAME, UID or USER:GROUP'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -l terminal -s t -d 'in a terminal of its own, though this is none'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -l no-terminal -s T -d 'not in a terminal of its own'
complete -c nsinit -n '__fish_seen_subcommand_from enter; and not __fish_seen_subcommand_from ctl' -l direct -d 'without asking its init, as when that does not answer'
complete -c nsinit -n '__fish_seen_subcommand_from stop; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from stop; and not __fish_seen_subcommand_from ctl' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from kill; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from kill; and not __fish_seen_subcommand_from ctl' -l signal -s s -x -d 'KILL if not said: TERM, USR2, 15'
complete -c nsinit -n '__fish_seen_subcommand_from pause; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from pause; and not __fish_seen_subcommand_from ctl' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from unpause; and not __fish_seen_subcommand_from ctl' -a '(nsinit list -q 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a status -d 'show services: state, pid, since when, why'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from status' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from status' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a list -d 'list the names of services'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from list' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from list' -l state -x -a 'stopped waiting starting running stopping backoff exited failed' -d 'only those that are STATE'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from list' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a wait -d 'wait until services are ready, running, stopped or exited'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from wait' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from wait' -l for -x -a 'ready running stopped exited' -d 'ready (the default; a oneshot: done), running, stopped or exited'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from wait' -l timeout -s t -x -d 'how long at most (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from wait' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a health -d 'tell whether all that should run does, and is well'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from health' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from health' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a why -d 'tell in words why services are as they are, down to the cause'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from why' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from why' -l lines -s n -x -d 'so many lines of their last output'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from why' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a blame -d 'tell what the boot waited for: the slowest services and the critical chain'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from blame' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from blame' -l svg -d 'as a picture: bars of waiting and starting, and probes'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from blame' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a graph -d 'show who needs whom, and how they are'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from graph' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from graph' -l svg -d 'as a picture'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from graph' -l mermaid -d 'as a flowchart of Mermaid, for a page of Markdown'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from graph' -l dot -d 'for the dot program of Graphviz'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from graph' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a tree -d 'show the processes of services, strays among them'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from tree' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from tree' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a top -d 'show once what services use: CPU, memory, processes, descriptors'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from top' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from top' -l interval -s d -x -d 'measure the CPU for so long (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from top' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a metrics -d 'print figures for a monitoring system, as OpenMetrics'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from metrics' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from metrics' -l format -x -a 'openmetrics prometheus' -d 'openmetrics, or prometheus for its older text (the default: what Accept asks for)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from metrics' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a start -d 'start services and what they need, and wait until they run'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from start' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from start' -l no-wait -d 'answer at once'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from start' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from start' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a stop -d 'stop services and keep them down, and wait until they are'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from stop' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from stop' -l no-wait -d 'answer at once'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from stop' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from stop' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a restart -d 'stop services, start them again, and wait until they run'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from restart' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from restart' -l no-wait -d 'answer at once'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from restart' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from restart' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a reload -d 'let services read their configuration again, and wait until they have'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reload' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reload' -l no-wait -d 'answer at once'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reload' -l timeout -s t -x -d 'how long to wait for it (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reload' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a reset -d 'forget the failures of services: failed becomes stopped, a backoff ends'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reset' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reset' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a pin -d 'keep services up or down as they are: start, stop and restart are refused'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from pin' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from pin' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a unpin -d 'let pinned services be started and stopped again'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from unpin' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from unpin' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a pause -d 'freeze all processes of services; their timers, probes and watchdogs wait meanwhile'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from pause' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from pause' -l timeout -s t -x -d 'how long to wait until they are (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from pause' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a unpause -d 'let paused services go on'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from unpause' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from unpause' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a exec -d 'run a command with the environment, user and directory of a service'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from exec' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from exec' -l terminal -s t -d 'in a terminal of its own'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from exec' -l term -x -d 'the TERM that it gets (default: that of the caller)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from exec' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a enter -d 'run a command in the place of init itself: in its sandbox, beside no service'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from enter' -l terminal -s t -d 'in a terminal of its own'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from enter' -l user -s u -x -d 'as whom: NAME, UID or USER:GROUP'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from enter' -l term -x -d 'the TERM that it gets (default: that of the caller)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from enter' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a attach -d 'show the last output of services and follow it'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from attach' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from attach' -l lines -s n -x -d 'so many lines of the past'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from attach' -l no-stdin -d 'only show; do not pass on what is typed'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from attach' -l detach-keys -x -d 'the keys that leave the terminal of a service (default ctrl-p,ctrl-q; "": none)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from attach' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a signal -d 'send a signal to the main process of services'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from signal' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from signal' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a logs -d 'show the last output of services'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l follow -s f -d 'go on with what they write from now on'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l lines -s n -x -d 'at most this many lines of the past'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l since -x -d 'from this time on: "5m" (ago), "12:00", RFC 3339, "@1763812800"'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l until -x -d 'up to this time'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l since-seq -x -d 'only what came after the line of this number'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l run -x -d 'a run of each service: a number, current (and later) or previous'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l stream -x -a 'stdout stderr syslog journal' -d 'only what came by it'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l timestamps -s t -d 'tell when each line came'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l grep -s g -x -d 'only lines in which this regular expression is found'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l invert-match -s v -d 'only lines in which it is not'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from logs' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a events -d 'show what happened to services'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from events' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from events' -l follow -s f -d 'go on with what happens from now on'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from events' -l since-seq -x -d 'only what came after this sequence number'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from events' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a update -d 'read the configuration again and bring services in line with it'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from update' -l dry-run -d 'only tell what would be done'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from update' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a scale -d 'have so many replicas of services, until the next update'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from scale' -a '(nsinit ctl list 2>/dev/null)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from scale' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a shutdown -d 'stop everything in order, and end init'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from shutdown' -l exit-code -x -d 'what init ends with'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from shutdown' -l now -d 'skip every grace: kill'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from shutdown' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a reexec -d 'replace the program of init by what is installed now; nothing else is touched'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reexec' -l timeout -s t -x -d 'how long the new program may look at the state first (s)'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from reexec' -l json -d 'JSON instead of text'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and not __fish_seen_subcommand_from status list wait health why blame graph tree top metrics start stop restart reload reset pin unpin pause unpause exec enter attach signal logs events update scale shutdown reexec version' -a version -d 'show the version of the running init'
complete -c nsinit -n '__fish_seen_subcommand_from ctl; and __fish_seen_subcommand_from version' -l json -d 'JSON instead of text'

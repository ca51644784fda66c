# The far end of an ssh source: answers questions about files until its input ends.
#
# routetop sends this text over the connection and the shell there evaluates it. Nothing is installed, and
# no path ever stands in a command line. A POSIX shell, dd, and either stat or ls are all it needs.
#
# Every answer stands between two lines that begin with a mark which only this connection knows:
#
#   MARK WORD...    what follows; whatever came before, a banner or a motd, is no data
#   bytes           of any kind
#   MARK end        after one more line feed, which is no data either
#
# A question is one word on a line, then its arguments:
#
#   list            FOLDER and PREFIX, on a line each: what is in the folder and begins with the prefix,
#                   as "device inode born links size changed mode ./name/"
#   fetch           "DEVICE INODE HEAD SKIP BLOCKS" and PATH, on a line each: the first HEAD bytes of that
#                   file, then, SKIP bytes further on, BLOCKS blocks of 64 KiB

LC_ALL=C
export LC_ALL
unset CDPATH
IFS= read -r mark || exit 0

begin() { printf '\n%s %s\n' "$mark" "$*"; }
end() { printf '\n%s end\n' "$mark"; }

# A slash after the name shows that the line was not broken by a line feed in it.
if stat -L -c %i / >/dev/null 2>&1; then
  # GNU and busybox; the latter knows no birth and leaves out what is below a second.
  facts() { stat -L -c '%d %i %W %h %s %.9Y %f %n/' "$@" 2>/dev/null; }
elif stat -L -f %i / >/dev/null 2>&1; then
  # BSD and macOS.
  facts() { stat -L -f '%d %i %B %l %z %Fm %Xp %N/' "$@" 2>/dev/null; }
else
  # Without stat the device and the time are not known; inode and size still are.
  facts() {
    for file in "$@"; do
      set -f
      # Split into words on purpose: inode, mode, links, owner, group, size.
      set -- $(ls -dLlin "$file" 2>/dev/null)
      set +f
      case $2 in
        -*) mode=8000 ;;
        d*) mode=4000 ;;
        *) mode=0 ;;
      esac
      [ $# -gt 6 ] && printf '0 %s 0 %s %s 0 %s %s/\n' "$1" "$3" "$6" "$mode" "$file"
    done
  }
fi

# Sets $place to where a path leads: /~/ is the home folder.
find_place() {
  case $1 in
    '/~') place=$HOME ;;
    '/~/'*) place=$HOME/${1#'/~/'} ;;
    *) place=$1 ;;
  esac
}

list() {
  IFS= read -r folder || exit 0
  IFS= read -r prefix || exit 0
  find_place "$folder"
  if [ ! -d "$place" ]; then
    begin list missing
  elif [ ! -r "$place" ] || [ ! -x "$place" ]; then
    begin list denied
  else
    begin list ok
    (cd "$place" && facts ./"$prefix"*)
    # 126: so many names that stat could not be started.
    [ $? -ne 126 ] || printf 'too many\n'
  fi
  end
}

# Drops $1 bytes of standard input, a file: whole blocks are passed over, the rest is read.
skip() {
  if [ "$1" -ge 4096 ]; then
    dd bs=4096 skip=$(($1 / 4096 - 1)) count=1 of=/dev/null 2>/dev/null
  fi
  if [ $(($1 % 4096)) -gt 0 ]; then
    dd bs=$(($1 % 4096)) count=1 of=/dev/null 2>/dev/null
  fi
}

fetch() {
  read -r device inode head skip blocks || exit 0
  IFS= read -r path || exit 0
  find_place "$path"
  answer=missing
  if [ -f "$place" ] && [ ! -r "$place" ]; then
    answer=denied
  elif [ -f "$place" ]; then
    # Opened first and looked at afterwards: when the path still leads to the file that was asked for,
    # the open one is it.
    {
      set -f
      set -- $(facts "$place")
      set +f
      if [ "$1 $2" = "$device $inode" ]; then
        answer=
        begin fetch ok
        dd bs="$head" count=1 2>/dev/null
        skip "$skip"
        dd bs=65536 count="$blocks" 2>/dev/null
      else
        answer=moved
      fi
    } <"$place"
  fi
  [ -z "$answer" ] || begin fetch "$answer"
  end
}

begin ready "$(date +%s)"
end
while IFS= read -r question; do
  case $question in
    list) list ;;
    fetch) fetch ;;
    *) exit 0 ;;
  esac
done

"""The command `ray`, for nodes that only this machine reaches: `python loopback.py start ...`.

Ray takes 127.0.0.1 for another name of the machine and would listen at its outer address.
"""

from ray._private import services
from ray.scripts.scripts import main

services.get_node_ip_address = lambda address=None: "127.0.0.1"

if __name__ == "__main__":
    main()

import os
import sys

sys.path.insert(0, os.path.expanduser("~"))
c.ServerApp.jpserver_extensions = {"hostile": True}  # noqa: F821

"""Architecture search with AutoKeras within a budget of time: stops on time, goes on after a kill, runs on workers.

    from cnnlab import search

    found = search.search(x, y, minutes=6, directory="digits")     # networks are trained, kept, compared
    print(found)                                                   # a row a trial
    model = found.model()                                          # the best; needs no AutoKeras

`search.report("digits")` reads the folder again. On the command line: `python -m cnnlab.search run|report`.
"""

from cnnlab.search.folder import SearchError
from cnnlab.search.reporting import Report, report
from cnnlab.search.searching import search
from cnnlab.search.spaces import SPACES, require

__all__ = ["SPACES", "Report", "SearchError", "report", "require", "search"]

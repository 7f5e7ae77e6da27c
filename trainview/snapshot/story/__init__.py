"""The whole story of one job, as text, as HTML and as plain data."""

from trainview.snapshot.story.around import RELATED as RELATED
from trainview.snapshot.story.around import related as related
from trainview.snapshot.story.finding import find_job as find_job
from trainview.snapshot.story.telling import JobStory as JobStory
from trainview.snapshot.story.telling import job as job
from trainview.snapshot.story.telling import tell as tell
